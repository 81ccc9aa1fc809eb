"""Gini decrease: how much purer the target becomes where a random forest splits on a column.

A node t with n_t of the n rows has the impurity G(t) = 1 - sum_k p_k^2 over its class shares p_k (Gini), or
for a number the squared error G(t) = mean (y - mean y)^2. Its split into l and r on column j decreases it by

    D = n_t / n * (G(t) - n_l / n_t * G(l) - n_r / n_t * G(r))

The score of j is the sum of D over its splits, per tree divided by the tree's total, averaged over trees
(Breiman, Friedman, Olshen, Stone 1984; Breiman 2001), so that scores add to 1.

By hand: 4 apples and 4 pears, G = 1 - .5^2 - .5^2 = .5. A split by weight leaves 3 apples on the left, 1
apple and 4 pears on the right: G(l) = 0, G(r) = 1 - .2^2 - .8^2 = .32, D = .5 - 3/8 * 0 - 5/8 * .32 = .3.
A split of the right node by colour into 1 apple and 4 pears adds 5/8 * .32 = .2. So weight scores .3 / .5 =
.6, colour .4.
With the numbers 1, 1, 5, 5, G = 4; a split in the middle leaves 0 on both sides, D = 4.

Kind to columns with many values (Strobl 2007): read it beside permutation.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from features.selection.base import Floats, ScoreSelector
from features.target import TargetKind


class Gini(ScoreSelector):
    """Keeps the columns with the highest impurity decrease in a random forest (squared error for a number).

    Each tree draws as many rows as there are with replacement, `rows` at most. `n_jobs` is joblib's; the
    forest does not depend on it.
    """

    cost = "100 trees on a third of the columns at a split, 20,000 rows at most: O(100 n log n d / 3)"

    def __init__(
        self,
        n_features_to_select: int | float = 0.5,
        *,
        target: TargetKind | None = None,
        random_state: int = 0,
        trees: int = 100,
        rows: int = 20_000,
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(n_features_to_select, target=target, random_state=random_state)
        self.trees = trees
        self.rows = rows
        self.n_jobs = n_jobs

    def _score(self, X: pd.DataFrame, y: NDArray[Any]) -> Floats:
        forest = RandomForestRegressor if self.target_kind_ == "number" else RandomForestClassifier
        self.forest_ = forest(
            self.trees,
            max_features=1 / 3,
            min_samples_leaf=2,
            max_samples=self.rows if len(X) > self.rows else None,
            random_state=self.random_state,
            n_jobs=self.n_jobs,
        ).fit(X.to_numpy(), y)
        return np.asarray(self.forest_.feature_importances_)


def gini(labels: NDArray[Any]) -> float:
    """1 - sum of squared class shares: 0 for one class, 1 - 1/K for K even ones."""
    shares = np.unique(labels, return_counts=True)[1] / len(labels)
    return float(1 - (shares**2).sum())


def squared_error(values: NDArray[Any]) -> float:
    """Mean squared distance from the mean, in squared units of the target."""
    return float(np.var(values))


def impurity_decrease(y: NDArray[Any], left: NDArray[np.bool_], *, classes: bool) -> float:
    """D of a split at the root: G(y) less the weighted G of the rows in `left` (n,) and of the others."""
    impurity = gini if classes else squared_error
    share = float(left.mean())
    return impurity(y) - share * impurity(y[left]) - (1 - share) * impurity(y[~left])
