"""SHAP: how far, on average, a column moves a model's prediction from the mean.

The prediction of a row is shared out among its columns by Shapley's value of a cooperative game, exactly and
in polynomial time for trees (Lundberg and others 2020, "From local explanations to global understanding with
explainable AI for trees"). The score is the mean over rows of |share|: in units of the target, or of the
model's log odds, summed over classes.

It tells what the model uses, not what is true: a model that overfits is explained just as well.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from features.selection.base import Floats, ScoreSelector
from features.selection.boosting import quick_boosting
from features.target import TargetKind


class Shap(ScoreSelector):
    """Keeps the columns with the largest mean |SHAP value| in a tree model.

    `estimator` is any tree model that shap's TreeExplainer takes (None: quick boosted trees); at most `rows`
    of the train rows, drawn at random, are explained.
    """

    cost = "one fit, then O(trees leaves depth^2) for each of 2,000 rows"

    def __init__(
        self,
        n_features_to_select: int | float = 0.5,
        *,
        target: TargetKind | None = None,
        random_state: int = 0,
        estimator: Any = None,
        rows: int = 2000,
    ) -> None:
        super().__init__(n_features_to_select, target=target, random_state=random_state)
        self.estimator = estimator
        self.rows = rows

    def _score(self, X: pd.DataFrame, y: NDArray[Any]) -> Floats:
        import shap  # the slowest import of all (4 s, numba), so that only who explains waits for it

        table = X.to_numpy()
        default = quick_boosting(self.target_kind_, random_state=self.random_state)
        model = (default if self.estimator is None else clone(self.estimator)).fit(table, y)
        drawn = np.random.default_rng(self.random_state).permutation(len(table))[: self.rows]
        values = np.abs(np.asarray(shap.TreeExplainer(model).shap_values(table[drawn])))
        per_column: Floats = values.mean(axis=0)
        return per_column.sum(axis=1) if per_column.ndim == 2 else per_column
