"""Stepwise: the base of the searching selectors, which judge subsets of columns by held-out rows."""

from abc import abstractmethod
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from threadpoolctl import threadpool_limits

from features.errors import FeatureError
from features.selection.additive import AdditiveScore
from features.selection.base import Floats, ScoreSelector
from features.selection.search import Score, Search
from features.target import TargetKind


class Stepwise(ScoreSelector):
    """A selector that searches subsets of columns by their cross-validated score.

    `estimator` is any scikit-learn model, judged by R2, or minus log loss for classes; None is additive bent
    lines (see `features.selection.additive`), which are far quicker. `tolerance` and `patience` are the
    early stop's (see `features.selection.search`), in units of the score. `n_jobs` is joblib's, over folds.
    After `fit`, besides the base's: `search_`, with the best subset of each size, by column index, and its
    score: higher than on new rows, because it was searched for; the bake-off tells what it is worth.
    Raises FeatureError for a `patience` below 1 or a negative `tolerance`.
    """

    def __init__(
        self,
        n_features_to_select: int | float = 0.5,
        *,
        target: TargetKind | None = None,
        random_state: int = 0,
        estimator: Any = None,
        folds: int = 3,
        tolerance: float = 1e-4,
        patience: int = 8,
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(n_features_to_select, target=target, random_state=random_state)
        self.estimator = estimator
        self.folds = folds
        self.tolerance = tolerance
        self.patience = patience
        self.n_jobs = n_jobs

    @abstractmethod
    def _search(self, score: Score, columns: int) -> Search:
        """The search of this selector."""

    def _score(self, X: pd.DataFrame, y: NDArray[Any]) -> Floats:
        if self.patience < 1 or self.tolerance < 0:
            raise FeatureError(
                f"a search stops after patience >= 1 steps that gain less than tolerance >= 0, "
                f"not {self.patience} and {self.tolerance}; mend its parameters"
            )
        score = self._subset_score(X.to_numpy(), y)
        with threadpool_limits(1, user_api="blas"):  # for thousands of small systems, threads only wait
            self.search_ = self._search(score, X.shape[1])
        return self.search_.ranks

    def _subset_score(self, table: Floats, y: NDArray[Any]) -> Score:
        classes = self.target_kind_ == "category"
        parts = list(self._cut(y, self.folds).split(table, y))
        if self.estimator is None:
            return AdditiveScore(table, y, parts, classes=classes)
        scoring = "neg_log_loss" if classes else "r2"

        def score(columns: Any) -> float:
            subset = table[:, np.asarray(columns, dtype=int)]
            model = clone(self.estimator)
            values = cross_val_score(model, subset, y, cv=parts, scoring=scoring, n_jobs=self.n_jobs)
            return float(values.mean())

        return score
