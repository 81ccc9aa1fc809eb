"""Grouped permutation: how much worse a model predicts when columns that say the same are shuffled together.

Columns are clustered so that any two of a cluster have |Spearman's rho| >= `threshold`. As for single columns
(see `permutation`), the score of a cluster is the mean drop of R2 (of minus log loss, for classes) on
held-out rows, but all its columns are shuffled by one order of rows: twins cannot hide each other.

Each column has its cluster's drop, and within a cluster those rank first that correlate most with the target.
So of two clusters the better comes with all its twins before the other: see `clusters_` to keep one of each.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.metrics import get_scorer

from features.errors import FeatureError
from features.selection.base import Floats, ScoreSelector
from features.selection.boosting import quick_boosting
from features.selection.correlation import (
    correlation,
    correlation_clusters,
    correlation_ratio,
    rank_correlations,
    ranked,
)
from features.selection.interval import fold_interval
from features.target import TargetKind


class GroupedPermutation(ScoreSelector):
    """Keeps the columns of the clusters whose shuffling costs a model most on rows that it was not fitted on.

    `estimator` is any scikit-learn model (None: quick boosted trees); `threshold` in (0, 1]; `level` of the
    interval. After `fit`, besides the base's: `clusters_` (n_features,), labels from 0; `interval_low_` and
    `interval_high_` (n_features,), of the drop, over folds (see `features.selection.interval`).
    Raises FeatureError for a threshold outside (0, 1].
    """

    cost = "3 fits of the model, then 3 x 5 x clusters predictions of a third of the rows"

    def __init__(
        self,
        n_features_to_select: int | float = 0.5,
        *,
        target: TargetKind | None = None,
        random_state: int = 0,
        estimator: Any = None,
        threshold: float = 0.7,
        folds: int = 3,
        repeats: int = 5,
        level: float = 0.95,
    ) -> None:
        super().__init__(n_features_to_select, target=target, random_state=random_state)
        self.estimator = estimator
        self.threshold = threshold
        self.folds = folds
        self.repeats = repeats
        self.level = level

    def _score(self, X: pd.DataFrame, y: NDArray[Any]) -> Floats:
        if not 0 < self.threshold <= 1:
            raise FeatureError(f"threshold is a correlation in (0, 1], not {self.threshold}; mend it")
        table = X.to_numpy()
        self.clusters_ = correlation_clusters(rank_correlations(table), self.threshold)
        parts = self._cut(y, self.folds).split(table, y)
        rng = np.random.default_rng(self.random_state)
        drops = np.column_stack([self._drops(table, y, fitted, held, rng) for fitted, held in parts])
        low, high = fold_interval(drops, level=self.level)
        self.interval_low_, self.interval_high_ = low[self.clusters_], high[self.clusters_]
        mean: Floats = drops.mean(axis=1)
        return mean[self.clusters_] + 1e-6 * self._single(table, y)

    def _single(self, X: Floats, y: NDArray[Any]) -> Floats:
        if self.target_kind_ == "category":
            return correlation_ratio(ranked(X), y)
        return correlation(ranked(X), y)

    def _drops(
        self,
        X: Floats,
        y: NDArray[Any],
        fitted: NDArray[np.intp],
        held: NDArray[np.intp],
        rng: np.random.Generator,
    ) -> Floats:
        """The mean drop of each cluster over repeats, in one fold: (clusters,)."""
        default = quick_boosting(self.target_kind_, random_state=self.random_state)
        model = default if self.estimator is None else clone(self.estimator)
        model.fit(X[fitted], y[fitted])
        scorer = get_scorer("r2" if self.target_kind_ == "number" else "neg_log_loss")
        whole = scorer(model, X[held], y[held])
        drops = np.zeros((self.clusters_.max() + 1, self.repeats))
        for cluster, repeat in np.ndindex(*drops.shape):
            columns = np.flatnonzero(self.clusters_ == cluster)
            shuffled = X[held].copy()
            shuffled[:, columns] = shuffled[rng.permutation(len(held))][:, columns]
            drops[cluster, repeat] = whole - scorer(model, shuffled, y[held])
        mean: Floats = drops.mean(axis=1)
        return mean
