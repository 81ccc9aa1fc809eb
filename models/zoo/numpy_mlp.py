"""NumPy network: one hidden layer, its gradients worked out by hand, no torch.

Rumelhart, Hinton, Williams, "Learning representations by back-propagating errors", Nature 323, 1986,
https://doi.org/10.1038/323533a0. Differences: ReLU and softmax instead of logistic units, cross-entropy
instead of squared error, mini-batches, and the start of He et al. 2015 (https://arxiv.org/abs/1502.01852).

    a = x W1' + b1,  h = max(a, 0),  z = h W2' + b2,  l = log softmax(z),  L = -mean l[label]

    dL/dl = -onehot(label) / B,        dL/dz = dL/dl - softmax(z) sum(dL/dl),  here (softmax(z) - onehot) / B
    dL/dW2 = dL/dz' h,                 dL/db2 = sum dL/dz
    dL/da = dL/dz W2 where a > 0,      dL/dW1 = dL/da' x,   dL/db1 = sum dL/da

Legend: B batch, F input numbers, D hidden units, K classes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray
from optuna.trial import BaseTrial

Floats = TypeVar("Floats", bound=NDArray[np.floating[Any]])
Labels = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class NumpyMLPConfig:
    """Shape of the network; ``image`` (channels, height, width) and ``classes`` come from the data."""

    image: tuple[int, int, int]
    classes: int
    hidden: int = 128


class Weights(NamedTuple):
    """The network's numbers, or their gradients: [D, F], [D], [K, D], [K], as torch's ``Linear`` has them."""

    hidden: NDArray[Any]
    hidden_bias: NDArray[Any]
    output: NDArray[Any]
    output_bias: NDArray[Any]


def draw_weights(config: NumpyMLPConfig, seed: int, dtype: DTypeLike = np.float32) -> Weights:
    """Draw weights of variance 2 / inputs; biases are 0."""
    generator = np.random.default_rng(seed)
    inputs, hidden, classes = prod(config.image), config.hidden, config.classes
    return Weights(
        (generator.standard_normal((hidden, inputs)) * np.sqrt(2 / inputs)).astype(dtype),
        np.zeros(hidden, dtype),
        (generator.standard_normal((classes, hidden)) * np.sqrt(2 / hidden)).astype(dtype),
        np.zeros(classes, dtype),
    )


def forward(weights: Weights, x_BF: Floats) -> tuple[Floats, Floats]:
    """Return h_BD and the logarithms of the probabilities, l_BK."""
    h_BD = np.maximum(x_BF @ weights.hidden.T + weights.hidden_bias, 0)
    z_BK = h_BD @ weights.output.T + weights.output_bias
    # Less the largest: exp of a large number is no number.
    z_BK = z_BK - z_BK.max(axis=1, keepdims=True)
    return h_BD, z_BK - np.log(np.exp(z_BK).sum(axis=1, keepdims=True))


def cross_entropy(l_BK: Floats, label_B: Labels) -> tuple[float, Floats]:
    """Return the mean over rows of -l[label], and its gradient dl_BK."""
    rows = np.arange(len(label_B))
    dl_BK = np.zeros_like(l_BK)
    dl_BK[rows, label_B] = -1 / len(label_B)
    return float(-l_BK[rows, label_B].mean()), dl_BK


def backward(weights: Weights, x_BF: Floats, h_BD: Floats, l_BK: Floats, dl_BK: Floats) -> Weights:
    """Return a loss's gradients from that of l_BK, after ``forward`` answered h_BD and l_BK to x_BF."""
    dz_BK = dl_BK - np.exp(l_BK) * dl_BK.sum(axis=1, keepdims=True)
    da_BD = (dz_BK @ weights.output) * (h_BD > 0)
    return Weights(da_BD.T @ x_BF, da_BD.sum(axis=0), dz_BK.T @ h_BD, dz_BK.sum(axis=0))


def sgd_epoch(weights: Weights, batches: Iterable[tuple[NDArray[Any], Labels]], lr: float) -> list[float]:
    """Take one step a batch of (x_BF, label_B), in place; returns each batch's loss before its step."""
    losses = []
    for x_BF, label_B in batches:
        h_BD, l_BK = forward(weights, x_BF)
        loss, dl_BK = cross_entropy(l_BK, label_B)
        losses.append(loss)
        for weight, gradient in zip(weights, backward(weights, x_BF, h_BD, l_BK, dl_BK), strict=True):
            np.subtract(weight, lr * gradient, out=weight)
    return losses


STARTS: dict[str, dict[str, Any]] = {"default": {"hidden": 128, "lr": 0.1, "batch_size": 64}}
"""Parameters of the search space that a study may try first, by name."""


def search_space(trial: BaseTrial) -> dict[str, dict[str, Any]]:
    """Suggest entries of the config under ``network``, and of the training under ``training``."""
    return {
        "network": {"hidden": trial.suggest_categorical("hidden", [32, 64, 128, 256])},
        "training": {
            "lr": trial.suggest_float("lr", 1e-2, 0.5, log=True),
            "batch_size": trial.suggest_categorical("batch_size", [32, 64, 128]),
        },
    }
