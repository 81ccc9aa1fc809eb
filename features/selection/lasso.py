"""Lasso: the columns that a linear model keeps when each coefficient costs its absolute size.

For a number: argmin_w 1/(2n) ||y - Xw||^2 + alpha ||w||_1 on standardised columns (Tibshirani 1996).
For classes: logistic regression with the same penalty, C = 1 / alpha. The penalty is chosen by 5-fold
cross-validation; the score is |w| (the mean over classes), in target units per standard deviation, plus a
millionth of the share of the path's penalties at which the column is in: so that columns without a weight are
ranked too, by when they enter.

Of two columns that say the same it keeps one, and which one is nearly chance: read its stability.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LassoCV, LogisticRegressionCV, lasso_path
from sklearn.preprocessing import StandardScaler

from features.selection.base import Floats, ScoreSelector
from features.target import TargetKind


class Lasso(ScoreSelector):
    """Keeps the columns with the largest penalised coefficients, then those that enter the path first.

    After `fit`, besides the base's: `alphas_` (n_alphas,), the penalties, falling; `path_` (n_alphas,
    n_features), |w| at each; `cv_scores_` (n_alphas,), the mean squared error, or log loss for classes;
    `alpha_`, the penalty chosen.
    """

    cost = "a path of 60 penalties per fold and one on all rows: 6 of O(n d) a sweep"

    def __init__(
        self,
        n_features_to_select: int | float = 0.5,
        *,
        target: TargetKind | None = None,
        random_state: int = 0,
        folds: int = 5,
        alphas: int = 60,
    ) -> None:
        super().__init__(n_features_to_select, target=target, random_state=random_state)
        self.folds = folds
        self.alphas = alphas

    def _score(self, X: pd.DataFrame, y: NDArray[Any]) -> Floats:
        scaled: Floats = StandardScaler().fit_transform(X.to_numpy())
        weights = (
            self._fit_number(scaled, y) if self.target_kind_ == "number" else self._fit_classes(scaled, y)
        )
        share_in: Floats = (self.path_ > 0).mean(axis=0)
        return weights + 1e-6 * share_in

    def _fit_number(self, X: Floats, y: Floats) -> Floats:
        model = LassoCV(alphas=self.alphas, cv=self._cut(y, self.folds), max_iter=5000).fit(X, y)
        self.alphas_, self.alpha_ = model.alphas_, float(model.alpha_)
        self.cv_scores_ = model.mse_path_.mean(axis=1)
        self.path_ = np.abs(lasso_path(X, y - y.mean(), alphas=model.alphas_)[1]).T
        weights: Floats = np.abs(model.coef_)
        return weights

    def _fit_classes(self, X: Floats, y: NDArray[Any]) -> Floats:
        model = LogisticRegressionCV(
            Cs=np.logspace(-3, 1, 12),
            l1_ratios=(1.0,),
            solver="saga",
            scoring="neg_log_loss",
            cv=self._cut(y, self.folds),
            tol=1e-3,
            max_iter=1000,
            random_state=self.random_state,
            use_legacy_attributes=False,
        ).fit(X, y)
        self.alphas_, self.alpha_ = 1 / model.Cs_, float(1 / model.C_)
        self.cv_scores_ = -model.scores_.mean(axis=(0, 1))
        self.path_ = np.abs(model.coefs_paths_[:, 0, ..., :-1]).mean(axis=(0, 2))
        weights: Floats = np.abs(model.coef_).mean(axis=0)
        return weights
