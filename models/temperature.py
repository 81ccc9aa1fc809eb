"""Probabilities put right by one number, the temperature, which no answer's class depends on.

Guo et al. 2017, On Calibration of Modern Neural Networks, https://arxiv.org/abs/1706.04599.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

Floats = NDArray[np.float64]

RANGE = (0.05, 20.0)
"""Temperatures that are tried: 1 changes nothing, more makes answers less certain."""


def tempered(probabilities: Floats, temperature: float) -> Floats:
    """Probabilities (rows, classes), all above 0, to the power 1 / `temperature`, each row adding up to 1."""
    return np.asarray(np.exp(log_softmax(np.log(probabilities) / temperature, axis=1)))


def fit_temperature(probabilities: Floats, classes: NDArray[np.int64]) -> float:
    """The temperature at which probabilities (rows, classes) fit the true `classes` (rows,) best.

    The rows must be such as the model did not learn from. "Best" is the least log loss, which has one
    minimum in 1 / temperature.
    """
    logits, rows = np.log(probabilities), np.arange(len(classes))

    def loss(cooling: float) -> float:
        return -float(log_softmax(logits * cooling, axis=1)[rows, classes].mean())

    found = minimize_scalar(loss, bounds=(1 / RANGE[1], 1 / RANGE[0]), method="bounded")
    return float(1 / found.x) if loss(found.x) < loss(1.0) else 1.0


def calibration_error(probabilities: Floats, classes: NDArray[np.int64], *, bins: int = 15) -> float:
    """Expected calibration error: how far, on average, confidence and accuracy lie apart; 0 to 1.

    Confidence is the largest probability of a row; bins are of equal width, weighted by their rows (Guo et
    al. 2017, section 2).
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == classes
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    counts = np.bincount(place, minlength=bins)
    gaps = np.bincount(place, weights=right - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / counts.sum())
