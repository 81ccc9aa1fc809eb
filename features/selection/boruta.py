"""Boruta: is a column more useful than the best of columns that are known to be useless?

Each column gets a shadow, itself with its rows shuffled. A forest is fitted on both, and a column scores a
hit when its importance beats that of the best shadow. Over rounds with fresh shadows a useless column hits at
most every other time: hits are tested against a fair coin, two-sided, divided among the columns (Bonferroni)
(Kursa, Rudnicki 2010, "Feature Selection with the Boruta Package").

Differs from the package: importance is the impurity decrease of extremely randomised trees, not the drop by
permutation over its spread; and all columns stay in for all rounds, with one test at the end, so that each
has as many hits as another.

It finds all columns that matter, twins among them, and so answers how many there are, not how few suffice.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

from features.errors import FeatureError
from features.selection.base import Floats, ScoreSelector, drawn_rows
from features.target import TargetKind


class Boruta(ScoreSelector):
    """Keeps the columns with the most hits; among as many, those with the higher importance.

    `rounds` forests of `trees` trees; `alpha` in (0, 1) is the test's level; at most `rows` of train
    are read, drawn at random. `n_jobs` is joblib's.
    After `fit`, besides the base's: `hits_` (n_features,), in 0..rounds; `p_values_`, of the test before
    dividing; `decisions_`, "confirmed", "rejected" or "tentative".
    Raises FeatureError for `rounds` too few to confirm any column at `alpha`.
    """

    cost = "20 forests of 50 extra trees on 2 d columns, 20,000 rows at most: O(20 x 50 n log n d)"

    def __init__(
        self,
        n_features_to_select: int | float = 0.5,
        *,
        target: TargetKind | None = None,
        random_state: int = 0,
        rounds: int = 20,
        trees: int = 50,
        rows: int = 20_000,
        alpha: float = 0.05,
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(n_features_to_select, target=target, random_state=random_state)
        self.rounds = rounds
        self.trees = trees
        self.rows = rows
        self.alpha = alpha
        self.n_jobs = n_jobs

    def _score(self, X: pd.DataFrame, y: NDArray[Any]) -> Floats:
        drawn = drawn_rows(len(X), self.rows, seed=self.random_state)
        table, y, columns = X.to_numpy()[drawn], y[drawn], X.shape[1]
        level = self.alpha / columns
        if 2 * 0.5**self.rounds > level:
            raise FeatureError(
                f"{self.rounds} rounds cannot tell {columns} columns from chance at alpha {self.alpha}; "
                f"take {int(np.ceil(np.log2(2 / level)))} rounds or more"
            )
        rng = np.random.default_rng(self.random_state)
        rounds = [self._round(table, y, rng) for _ in range(self.rounds)]
        self.hits_ = np.sum([own > shadows.max() for own, shadows in rounds], axis=0)
        self.p_values_ = np.array([binomtest(int(hits), self.rounds).pvalue for hits in self.hits_])
        told = np.where(self.hits_ * 2 > self.rounds, "confirmed", "rejected")
        self.decisions_ = np.where(self.p_values_ <= level, told, "tentative")
        mean = np.mean([own for own, _ in rounds], axis=0)
        scores: Floats = (self.hits_ + mean / (2 * mean.sum())) / self.rounds
        return scores

    def _round(self, table: Floats, y: NDArray[Any], rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Importances of the columns and of their shadows, each (n_features,)."""
        forest = ExtraTreesRegressor if self.target_kind_ == "number" else ExtraTreesClassifier
        both = np.hstack([table, rng.permuted(table, axis=0)])
        fitted = forest(
            self.trees,
            max_features=1 / 3,  # of few columns to choose from, a tree seldom meets both of a product
            min_samples_leaf=2,
            random_state=int(rng.integers(2**31)),
            n_jobs=self.n_jobs,
        ).fit(both, y)
        own, shadows = np.split(fitted.feature_importances_, 2)
        return own, shadows
