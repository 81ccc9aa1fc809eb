"""Mutual information: how much knowing one column tells about the target, by whatever curve.

    I(x; y) = sum over x, y of p(x, y) log(p(x, y) / (p(x) p(y)))        in nats; 0 if independent

For numbers it is estimated from the distances to the k-th nearest neighbour (Kraskov, Stoegbauer, Grassberger
2004; between a number and classes: Ross 2014), by scikit-learn. A column of few values is taken as it is.

It sees any curve, but one column at a time, and its estimate is noisy: about 1 / sqrt(rows) for a column of
no use. Not bounded: a column that decides the target tells all its entropy.
"""

from typing import Any

import pandas as pd
from numpy.typing import NDArray
from sklearn.feature_selection import mutual_info_classif, mutual_info_regression

from features.selection.base import Floats, ScoreSelector, drawn_rows
from features.target import TargetKind


class MutualInformation(ScoreSelector):
    """Keeps the columns that tell most about the target.

    `neighbors` is k; a column of at most `few_values` values is discrete; at most `rows` of the train rows,
    drawn at random, are read. `n_jobs` is joblib's.
    """

    cost = "nearest neighbours in each column of at most 10,000 rows: O(n log n d)"

    def __init__(
        self,
        n_features_to_select: int | float = 0.5,
        *,
        target: TargetKind | None = None,
        random_state: int = 0,
        neighbors: int = 10,
        few_values: int = 20,
        rows: int = 10_000,
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(n_features_to_select, target=target, random_state=random_state)
        self.neighbors = neighbors
        self.few_values = few_values
        self.rows = rows
        self.n_jobs = n_jobs

    def _score(self, X: pd.DataFrame, y: NDArray[Any]) -> Floats:
        drawn = drawn_rows(len(X), self.rows, seed=self.random_state)
        estimate = mutual_info_regression if self.target_kind_ == "number" else mutual_info_classif
        table = X.iloc[drawn]
        scores: Floats = estimate(
            table.to_numpy(),
            y[drawn],
            discrete_features=(table.nunique() <= self.few_values).to_numpy(),
            n_neighbors=self.neighbors,
            random_state=self.random_state,
            n_jobs=self.n_jobs,
        )
        return scores
