"""MLP 784-256-32-10: the first network of most courses, for MNIST.

LeCun, Bottou, Bengio, Haffner, "Gradient-Based Learning Applied to Document Recognition", Proc. IEEE 86(11),
1998, http://yann.lecun.com/exdb/publis/pdf/lecun-98.pdf, measured such networks with one and two hidden
layers. Differences: ReLU instead of tanh, cross-entropy instead of squared error.

Legend: B batch, C channels, H height, W width, K classes.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import Any

from optuna.trial import BaseTrial
from torch import Tensor, nn


@dataclass(frozen=True)
class MnistMLPConfig:
    """Shape of the network; ``image`` (channels, height, width) and ``classes`` come from the data."""

    image: tuple[int, int, int]
    classes: int
    hidden: tuple[int, ...] = (256, 32)


class MnistMLP(nn.Module):
    """x_BCHW -> logits_BK."""

    def __init__(self, config: MnistMLPConfig) -> None:
        super().__init__()
        self.config = config
        widths = (prod(config.image), *config.hidden)
        layers: list[nn.Module] = [nn.Flatten()]
        for width_in, width_out in pairwise(widths):
            layers += [nn.Linear(width_in, width_out), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Linear(widths[-1], config.classes))

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return logits_BK."""
        logits_BK: Tensor = self.layers(x_BCHW)
        return logits_BK


STARTS: dict[str, dict[str, Any]] = {"default": {"first": 256, "second": 32, "lr": 0.1, "batch_size": 64}}
"""Parameters of the search space that a study may try first, by name."""


def search_space(trial: BaseTrial) -> dict[str, dict[str, Any]]:
    """Suggest entries of the config under ``network``, and of the training under ``training``."""
    first = trial.suggest_categorical("first", [64, 128, 256, 512])
    return {
        "network": {"hidden": (first, trial.suggest_categorical("second", [16, 32, 64]))},
        "training": {
            "lr": trial.suggest_float("lr", 1e-2, 0.5, log=True),
            "batch_size": trial.suggest_categorical("batch_size", [32, 64, 128]),
        },
    }
