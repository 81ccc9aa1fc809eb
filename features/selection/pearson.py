"""Pearson: how well a straight line through one column explains the target.

For a number, the score is |r|, r = cov(x, y) / (sd(x) sd(y)), in [0, 1] (Pearson 1895).
For classes, it is the correlation ratio eta = sqrt(SS_between / SS_total) (Fisher 1925): the multiple
correlation of x with the classes' indicators, which with two classes is |r| of x with 0/1 (point-biserial).

Blind to interactions and to bends: a column that matters only together with another scores low.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.selection.base import Floats, ScoreSelector


class Pearson(ScoreSelector):
    """Keeps the columns with the highest absolute correlation with the target."""

    def _score(self, X: pd.DataFrame, y: NDArray[Any]) -> Floats:
        table = X.to_numpy()
        return correlation(table, y) if self.target_kind_ == "number" else correlation_ratio(table, y)


def correlation(X: Floats, y: Floats) -> Floats:
    """|r| of each column of X (n, d) with y (n,); no column and not y constant."""
    x = X - X.mean(axis=0)
    t = y - y.mean()
    r: Floats = np.abs(x.T @ t) / (np.linalg.norm(x, axis=0) * np.linalg.norm(t))
    return np.minimum(r, 1.0)


def correlation_ratio(X: Floats, y: NDArray[Any]) -> Floats:
    """eta of each column of X (n, d) over the classes y (n,); no column constant."""
    x = X - X.mean(axis=0)
    groups = [x[y == label] for label in np.unique(y)]
    between = sum((len(g) * g.mean(axis=0) ** 2 for g in groups), np.zeros(X.shape[1]))
    eta: Floats = np.sqrt(between / (x**2).sum(axis=0))
    return np.minimum(eta, 1.0)
