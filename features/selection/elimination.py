"""Recursive elimination: fits a model, drops the columns that it used least, and again on the rest.

(Guyon, Weston, Barnhill, Vapnik 2002), by scikit-learn's RFE. The score is minus the round in which a column
went, 0 for the last; of those that went together the one that a fit on all columns used more is better.

Between filter and search: it sees columns together, at a fit a round. It trusts the model's own importances,
which share out the merit of twins.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from sklearn.feature_selection import RFE

from features.selection.base import Floats, ScoreSelector, drawn_rows
from features.target import TargetKind


class Elimination(ScoreSelector):
    """Keeps the columns that were eliminated last.

    `estimator` is any model with `coef_` or `feature_importances_` (None: 50 extremely randomised trees);
    `step` is the share of all columns dropped in a round (0 to 1), or their number (int); at
    most `rows` of the train rows, drawn at random, are read.
    """

    cost = "10 fits of 50 extra trees on ever fewer columns, 20,000 rows at most: O(500 n log n d / 3)"

    def __init__(
        self,
        n_features_to_select: int | float = 0.5,
        *,
        target: TargetKind | None = None,
        random_state: int = 0,
        estimator: Any = None,
        step: int | float = 0.1,
        rows: int = 20_000,
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(n_features_to_select, target=target, random_state=random_state)
        self.estimator = estimator
        self.step = step
        self.rows = rows
        self.n_jobs = n_jobs

    def _score(self, X: pd.DataFrame, y: NDArray[Any]) -> Floats:
        drawn = drawn_rows(len(X), self.rows, seed=self.random_state)
        table, y = X.to_numpy()[drawn], y[drawn]
        model = self._trees() if self.estimator is None else clone(self.estimator)
        round_left = RFE(model, n_features_to_select=1, step=self.step).fit(table, y).ranking_
        used = _importances(clone(model).fit(table, y))
        within: Floats = used / (used.sum() * 2 or 1)
        scores: Floats = 1 - round_left + within
        return scores

    def _trees(self) -> Any:
        trees = ExtraTreesRegressor if self.target_kind_ == "number" else ExtraTreesClassifier
        return trees(
            50,
            max_features=1 / 3,
            min_samples_leaf=3,
            random_state=self.random_state,
            n_jobs=self.n_jobs,
        )


def _importances(model: Any) -> Floats:
    if hasattr(model, "feature_importances_"):
        return np.asarray(model.feature_importances_)
    weights: Floats = np.abs(np.atleast_2d(model.coef_)).mean(axis=0)
    return weights
