"""Pearson: how well a straight line through one column explains the target.

For a number, the score is |r|, r = cov(x, y) / (sd(x) sd(y)), in [0, 1] (Pearson 1895).
For classes, it is the correlation ratio eta = sqrt(SS_between / SS_total) (Fisher 1925): the multiple
correlation of x with the classes' indicators, which with two classes is |r| of x with 0/1 (point-biserial).

Blind to interactions and to bends: a column that matters only together with another scores low.
"""

from typing import Any

import pandas as pd
from numpy.typing import NDArray

from features.selection.base import Floats, ScoreSelector
from features.selection.correlation import correlation, correlation_ratio


class Pearson(ScoreSelector):
    """Keeps the columns with the highest absolute correlation with the target."""

    cost = "one pass over the table: O(n d)"

    def _score(self, X: pd.DataFrame, y: NDArray[Any]) -> Floats:
        table = X.to_numpy()
        return correlation(table, y) if self.target_kind_ == "number" else correlation_ratio(table, y)
