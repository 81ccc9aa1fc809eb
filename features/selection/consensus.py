"""Consensus: the mean of several methods' ranks (Borda's count, 1784), free of any one method's units."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from features.errors import FeatureError
from features.selection.base import Floats, ScoreSelector
from features.target import TargetKind


class Consensus(ScoreSelector):
    """Keeps the columns that the methods rank best on average.

    `selectors` are pairs of a name and an unfitted ScoreSelector; each is cloned and fitted on the same rows.
    After `fit`, besides the base's: `method_scores_`, a DataFrame of columns x methods.
    """

    cost = "the sum of its selectors'"

    def __init__(
        self,
        selectors: Sequence[tuple[str, ScoreSelector]],
        n_features_to_select: int | float = 0.5,
        *,
        target: TargetKind | None = None,
        random_state: int = 0,
    ) -> None:
        super().__init__(n_features_to_select, target=target, random_state=random_state)
        self.selectors = selectors

    def _score(self, X: pd.DataFrame, y: NDArray[Any]) -> Floats:
        if not self.selectors:
            raise FeatureError("a consensus needs one selector or more; the list is empty")
        fitted = {name: clone(s).set_params(target=self.target_kind_).fit(X, y) for name, s in self.selectors}
        self.method_scores_ = pd.DataFrame({n: s.scores_ for n, s in fitted.items()}, index=X.columns)
        return np.asarray(borda(self.method_scores_), dtype="float64")


def ranks(scores: pd.DataFrame) -> pd.DataFrame:
    """Each method's rank of each column, 1 for the best; equal scores share their mean rank."""
    return scores.rank(ascending=False, method="average")


def borda(scores: pd.DataFrame) -> "pd.Series[float]":
    """In [0, 1] for each row of `scores` (columns x methods): 1 is first for every method, 0 last for all."""
    mean_rank = ranks(scores).mean(axis=1)
    points = (len(scores) - mean_rank) / max(len(scores) - 1, 1)
    return pd.Series(np.asarray(points), index=scores.index, name="consensus")
