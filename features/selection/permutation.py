"""Permutation: how much worse a model predicts held-out rows when one column's values are shuffled.

The train rows are cut into folds; for each, a model is fitted on the others. The score of column j is the
mean over folds and `repeats` of

    s - s_j      s: the model's R2 on the fold (minus log loss for classes), s_j: with column j shuffled

(Breiman 2001; Fisher, Rudin, Dominici 2019). About 0 for a column of no use, below 0 by chance.
Two columns that say the same hide each other: the model has the second while the first is shuffled.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.inspection import permutation_importance

from features.selection.base import Floats, ScoreSelector
from features.selection.boosting import quick_boosting
from features.target import TargetKind


class Permutation(ScoreSelector):
    """Keeps the columns whose shuffling costs a model most on rows of train that it was not fitted on.

    `estimator` is any scikit-learn model (None: quick boosted trees); `n_jobs` is joblib's.
    After `fit`, besides the base's: `spread_` (n_features,), the standard deviation over folds and repeats.
    """

    cost = "3 fits of the model, then 3 x 2 x d predictions of a third of the rows"

    def __init__(
        self,
        n_features_to_select: int | float = 0.5,
        *,
        target: TargetKind | None = None,
        random_state: int = 0,
        estimator: Any = None,
        folds: int = 3,
        repeats: int = 2,
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(n_features_to_select, target=target, random_state=random_state)
        self.estimator = estimator
        self.folds = folds
        self.repeats = repeats
        self.n_jobs = n_jobs

    def _score(self, X: pd.DataFrame, y: NDArray[Any]) -> Floats:
        table = X.to_numpy()
        parts = self._cut(y, self.folds).split(table, y)
        drops = np.hstack([self._drops(table, y, fitted, held) for fitted, held in parts])
        self.spread_ = drops.std(axis=1)
        mean: Floats = drops.mean(axis=1)
        return mean

    def _drops(self, X: Floats, y: NDArray[Any], fitted: NDArray[np.intp], held: NDArray[np.intp]) -> Floats:
        """The drops of one fold, (n_features, repeats)."""
        default = quick_boosting(self.target_kind_, random_state=self.random_state)
        model = default if self.estimator is None else clone(self.estimator)
        drops: Floats = permutation_importance(
            model.fit(X[fitted], y[fitted]),
            X[held],
            y[held],
            scoring="r2" if self.target_kind_ == "number" else "neg_log_loss",
            n_repeats=self.repeats,
            random_state=self.random_state,
            n_jobs=self.n_jobs,
        ).importances
        return drops
