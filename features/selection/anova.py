"""ANOVA F: do groups of rows differ in their mean by more than the spread inside them explains?

With n rows in k groups (Fisher 1925),

    F = (SS_between / (k - 1)) / (SS_within / (n - k))

For classes, the groups are the classes and the means are the column's. For a number, the groups are the
column's values, or its quantile bins where it has many, and the means are the target's: so a category counts
for all its levels at once, and a curve that turns is seen. The score is Kelley's epsilon squared (1935),

    1 - (SS_within / (n - k)) / (SS_total / (n - 1))

the share of variance explained, less what k groups explain by chance: it rises with F, and unlike F it
compares columns of different k. About 0 for noise, below 0 by chance, 1 at best.

By hand: 1, 3 in one group and 4, 6 in the other: SS_between = 9, SS_within = 4, F = 9 / (4 / 2) = 4.5,
epsilon squared = 1 - (4 / 2) / (13 / 3) = .538.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import f as f_distribution

from features.selection.base import Floats, ScoreSelector
from features.target import TargetKind


class Anova(ScoreSelector):
    """Keeps the columns whose groups differ most.

    `bins` is how many quantile bins stand for a column with more values, if the target is a number.
    After `fit`, besides the base's: `f_` and `p_values_` (n_features,), the F statistic and its p-value.
    """

    cost = "one sort of each column: O(n log n d)"

    def __init__(
        self,
        n_features_to_select: int | float = 0.5,
        *,
        target: TargetKind | None = None,
        random_state: int = 0,
        bins: int = 10,
    ) -> None:
        super().__init__(n_features_to_select, target=target, random_state=random_state)
        self.bins = bins

    def _score(self, X: pd.DataFrame, y: NDArray[Any]) -> Floats:
        columns = X.to_numpy().T
        if self.target_kind_ == "number":
            tests = [anova(y, grouped(x, self.bins)) for x in columns]
        else:
            tests = [anova(x, y) for x in columns]
        self.f_, self.p_values_, scores = np.array(tests).T
        return np.asarray(scores)


def anova(values: Floats, groups: NDArray[Any]) -> tuple[float, float, float]:
    """F, its p-value and epsilon squared of `values` (n,) over `groups` (n,), codes from 0 up.

    F is 0 with epsilon squared 0 where there is one group, or a group for each row; infinite with 1 where
    the groups explain all.
    """
    sizes = np.bincount(groups)
    sizes, sums = sizes[sizes > 0], np.bincount(groups, weights=values - values.mean())[sizes > 0]
    n, k = len(values), len(sizes)
    total = float(((values - values.mean()) ** 2).sum())
    between = float((sums**2 / sizes).sum())
    within = max(total - between, 0.0)
    if k < 2 or n <= k or total == 0:
        return 0.0, 1.0, 0.0
    if within <= 1e-12 * total:
        return np.inf, 0.0, 1.0
    f = between / (k - 1) / (within / (n - k))
    return f, float(f_distribution.sf(f, k - 1, n - k)), 1 - within / (n - k) / (total / (n - 1))


def grouped(x: Floats, bins: int) -> NDArray[np.intp]:
    """Codes (n,) of the values of `x` (n,), or of its quantile bins where it has more than `bins` values.

    A value that fills a bin alone is a group of its own. Codes need not be consecutive.
    """
    values, codes = np.unique(x, return_inverse=True)
    if len(values) <= bins:
        return np.asarray(codes)
    edges, times = np.unique(np.quantile(x, np.linspace(0, 1, bins + 1)[1:-1]), return_counts=True)
    return np.asarray(2 * np.searchsorted(edges, x, side="left") + np.isin(x, edges[times > 1]))
