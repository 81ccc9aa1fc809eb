"""Recursive elimination: fits a model, drops the columns that it used least, and again on the rest.

(Guyon, Weston, Barnhill, Vapnik 2002), by scikit-learn's RFE, on standardised columns. The score is minus the
round in which a column went, 0 for the last; of those that went together the one that a fit on all columns
used more is better.

Between filter and search: it sees columns together, at a fit a round. It trusts the model's own weights:
those of the default, ridge regression, share out the merit of twins and see straight lines only.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.feature_selection import RFE
from sklearn.linear_model import Ridge, RidgeClassifier
from sklearn.preprocessing import StandardScaler

from features.selection.base import Floats, ScoreSelector, drawn_rows
from features.target import TargetKind


class Elimination(ScoreSelector):
    """Keeps the columns that were eliminated last.

    `estimator` is any model with `coef_` or `feature_importances_` (None: ridge regression, for classes on
    their indicators); `step` is the number of columns dropped in a round, or their share of all (float in
    (0, 1)); at most `rows` of the train rows, drawn at random, are read.
    """

    cost = "d fits of ridge regression on ever fewer columns, 20,000 rows at most: O(n d^3 / 3)"

    def __init__(
        self,
        n_features_to_select: int | float = 0.5,
        *,
        target: TargetKind | None = None,
        random_state: int = 0,
        estimator: Any = None,
        step: int | float = 1,
        rows: int = 20_000,
    ) -> None:
        super().__init__(n_features_to_select, target=target, random_state=random_state)
        self.estimator = estimator
        self.step = step
        self.rows = rows

    def _score(self, X: pd.DataFrame, y: NDArray[Any]) -> Floats:
        drawn = drawn_rows(len(X), self.rows, seed=self.random_state)
        table, y = StandardScaler().fit_transform(X.to_numpy()[drawn]), y[drawn]
        ridge = Ridge() if self.target_kind_ == "number" else RidgeClassifier()
        model = ridge if self.estimator is None else clone(self.estimator)
        round_left = RFE(model, n_features_to_select=1, step=self.step).fit(table, y).ranking_
        used = _importances(clone(model).fit(table, y))
        within: Floats = used / (used.sum() * 2 or 1)
        scores: Floats = 1 - round_left + within
        return scores


def _importances(model: Any) -> Floats:
    if hasattr(model, "feature_importances_"):
        return np.asarray(model.feature_importances_)
    weights: Floats = np.abs(np.atleast_2d(model.coef_)).mean(axis=0)
    return weights
