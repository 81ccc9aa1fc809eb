"""The interval of a mean over cross-validation folds, whose train rows overlap."""

import numpy as np
from scipy.stats import t as t_distribution

from features.selection.base import Floats


def fold_interval(values: Floats, *, level: float = 0.95) -> tuple[Floats, Floats]:
    """Low and high end of the mean over the last axis of `values` (..., folds), two folds or more.

    Student's t with the variance of Nadeau and Bengio (2003, "Inference for the Generalization Error"),
    s^2 (1 / k + 1 / (k - 1)) for k folds: scores of folds are not independent, for any two models share most
    of their rows, and s^2 / k would make the interval too narrow. An approximation, as they say themselves.
    """
    folds = values.shape[-1]
    error = values.std(axis=-1, ddof=1) * np.sqrt(1 / folds + 1 / (folds - 1))
    reach = float(t_distribution.ppf((1 + level) / 2, folds - 1)) * error
    mean = values.mean(axis=-1)
    return mean - reach, mean + reach
