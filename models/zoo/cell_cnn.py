"""CNN of searched cells: a stem, stages of one repeated cell, global average pooling, one linear layer.

Dong, Yang, "NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search", ICLR 2020,
https://arxiv.org/abs/2001.00326. The cell is ``models.layers.cell``'s: a sum of operations on the edges of a
small graph; ``models.nas`` searches the operations. Differences: a cell with an edge less, two stages instead
of three, one cell in each instead of five, 2x2 average pooling and a 1x1 convolution between the stages
instead of a residual block.

Legend: B batch, C channels, H height, W width, K classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from optuna.trial import BaseTrial
from torch import Tensor, nn

from models.layers.cell import EDGES, OPERATIONS, Cell, live


@dataclass(frozen=True)
class CellCNNConfig:
    """Shape of the network; ``image`` (channels, height, width) and ``classes`` come from the data.

    ``operations`` are those of the cell's edges, in the order of ``models.layers.cell.EDGES``. ``channels``
    are the first stage's; each further one has twice those before it.
    """

    image: tuple[int, int, int]
    classes: int
    operations: tuple[str, ...] = ("conv3", "skip", "conv3", "conv1", "skip")
    channels: int = 16
    stages: int = 2
    cells: int = 1


class CellCNN(nn.Module):
    """x_BCHW -> logits_BK.

    ``path`` is what is walked; with ``choices`` more operations an edge are built than it names, for weights
    that many architectures share.
    """

    def __init__(self, config: CellCNNConfig, choices: Sequence[Sequence[str]] | None = None) -> None:
        super().__init__()
        self.config = config
        self.path = live(config.operations)
        built = choices or [(operation,) for operation in self.path]
        width = config.channels
        self.stem = nn.Sequential(
            nn.Conv2d(config.image[0], width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        )
        self.stages, self.narrows = nn.ModuleList(), nn.ModuleList()
        for stage in range(config.stages):
            self.narrows.append(_narrow(width) if stage else nn.Identity())
            width *= 2 if stage else 1
            self.stages.append(nn.ModuleList(Cell(width, built) for _ in range(config.cells)))
        self.head = nn.Sequential(
            nn.BatchNorm2d(width), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
            nn.Linear(width, config.classes),
        )  # fmt: skip

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return logits_BK."""
        x_BCHW = self.stem(x_BCHW)
        for narrow, cells in zip(self.narrows, self.stages, strict=True):
            x_BCHW = narrow(x_BCHW)
            assert isinstance(cells, nn.ModuleList)
            for cell in cells:
                x_BCHW = cell(x_BCHW, self.path)
        logits_BK: Tensor = self.head(x_BCHW)
        return logits_BK


def _narrow(width: int) -> nn.Module:
    """Half the height and width, twice the channels."""
    return nn.Sequential(
        nn.ReLU(), nn.AvgPool2d(2), nn.Conv2d(width, 2 * width, 1, bias=False), nn.BatchNorm2d(2 * width)
    )


STARTS: dict[str, dict[str, Any]] = {
    "default": {
        **{
            f"edge_{a}_{b}": operation
            for (a, b), operation in zip(EDGES, CellCNNConfig.operations, strict=True)
        },
        "channels": 32,
        "lr": 0.2,
        "batch_size": 256,
    }
}
"""Parameters of the search space that a study may try first, by name."""


def search_space(trial: BaseTrial) -> dict[str, dict[str, Any]]:
    """Suggest entries of the config under ``network``, and of the training under ``training``."""
    return {
        "network": {
            "operations": tuple(
                trial.suggest_categorical(f"edge_{before}_{after}", OPERATIONS) for before, after in EDGES
            ),
            "channels": trial.suggest_categorical("channels", [8, 16, 32]),
        },
        "training": {
            "lr": trial.suggest_float("lr", 1e-2, 0.5, log=True),
            "batch_size": trial.suggest_categorical("batch_size", [64, 128, 256]),
        },
    }
