"""SHAP: how far, on average, a column moves a model's prediction from the mean.

The prediction of a row is shared out among its columns by Shapley's value of a cooperative game, exactly and
in polynomial time for trees (Lundberg and others 2020, "From local explanations to global understanding with
explainable AI for trees"). For other models it is estimated from random orders in which columns take their
values in place of a background row's, each order forward and backward (Castro, Gomez, Tejada 2009; Lundberg,
Lee 2017). The score is the mean over rows of |share|: in units of the target, or of the model's log odds
(other models: probability), summed over classes.

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
    """Keeps the columns with the largest mean |SHAP value| in a model.

    `estimator` is any scikit-learn model (None: quick boosted trees). Trees are explained exactly, on at most
    `rows` of the train rows, drawn at random; another model on at most `slow_rows`, against `background`
    rows. After `fit`, besides the base's: `explained_`, the DataFrame of those rows, and `values_`, their
    shares, (rows, n_features), or (rows, n_features, classes) where the model has an output for each class.
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
        slow_rows: int = 50,
        background: int = 20,
    ) -> None:
        super().__init__(n_features_to_select, target=target, random_state=random_state)
        self.estimator = estimator
        self.rows = rows
        self.slow_rows = slow_rows
        self.background = background

    def _score(self, X: pd.DataFrame, y: NDArray[Any]) -> Floats:
        table = X.to_numpy()
        default = quick_boosting(self.target_kind_, random_state=self.random_state)
        model = (default if self.estimator is None else clone(self.estimator)).fit(table, y)
        order = np.random.default_rng(self.random_state).permutation(len(table))
        self.values_ = self._explain(model, table, order)
        self.explained_ = X.iloc[order[: len(self.values_)]]
        per_column: Floats = np.abs(self.values_).mean(axis=0)
        return per_column.sum(axis=1) if per_column.ndim == 2 else per_column

    def _explain(self, model: Any, table: Floats, order: NDArray[np.intp]) -> Floats:
        import shap  # the slowest import of all (4 s, numba), so that only who explains waits for it

        try:
            trees = shap.TreeExplainer(model)
        except ValueError:  # how shap says that a model has no trees
            return self._explain_slowly(model, table, order)
        return np.asarray(trees.shap_values(table[order[: self.rows]]), dtype="float64")

    def _explain_slowly(self, model: Any, table: Floats, order: NDArray[np.intp]) -> Floats:
        """By permutations of the columns: 2 d + 1 predictions for each row and background row."""
        import shap

        known = table[order[-self.background :]]
        answer = model.predict if self.target_kind_ == "number" else model.predict_proba
        explainer = shap.PermutationExplainer(answer, known, seed=self.random_state)
        rows = table[order[: self.slow_rows]]
        shares = explainer(rows, max_evals=2 * table.shape[1] + 1, silent=True)
        return np.asarray(shares.values, dtype="float64")
