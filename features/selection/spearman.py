"""Spearman: how well any rising or falling curve through one column explains the target.

For a number, the score is |rho|, Pearson's |r| of the ranks, in [0, 1] (Spearman 1904); equal values share
their mean rank. For classes, it is the correlation ratio eta of the column's ranks over the classes, whose
square is H / (n - 1) of Kruskal and Wallis (1952).

By hand: x = 1, 2, 30 and y = 1, 4, 9 have r = .94, but the ranks 1, 2, 3 of both are the same: rho = 1.

Outliers and logarithms do not change it. Blind, like Pearson, to interactions and to curves that turn.
"""

from typing import Any

import pandas as pd
from numpy.typing import NDArray

from features.selection.base import Floats, ScoreSelector
from features.selection.correlation import by_blocks, correlation, correlation_ratio, ranked


class Spearman(ScoreSelector):
    """Keeps the columns with the highest absolute rank correlation with the target."""

    cost = "one sort of each column: O(n log n d)"

    def _score(self, X: pd.DataFrame, y: NDArray[Any]) -> Floats:
        goal = ranked(y[:, None])[:, 0] if self.target_kind_ == "number" else y
        score = correlation if self.target_kind_ == "number" else correlation_ratio
        return by_blocks(lambda x: score(ranked(x), goal), X.to_numpy())
