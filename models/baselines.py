"""Baselines that any model must beat: the median, and a linear model of the logarithm."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LassoCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def median_baseline(y: "pd.Series[float]", rows: int) -> NDArray[np.float64]:
    """The median of the training target for each of `rows` rows: no constant has a lower absolute error."""
    return np.full(rows, float(y.median()))


def linear_baseline(X: pd.DataFrame, y: "pd.Series[float]", *, folds: int = 5, seed: int = 0) -> Any:
    """A fitted Lasso (Tibshirani 1996) of log(1 + y) on standardised X, penalty chosen over `folds`."""
    model = make_pipeline(StandardScaler(), LassoCV(cv=folds, alphas=40, random_state=seed, max_iter=5000))
    with warnings.catch_warnings():
        # The smallest penalties on the path converge slowly and are not the ones chosen.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X, np.log1p(y))


def predict_linear(model: Any, X: pd.DataFrame) -> NDArray[np.float64]:
    """Predictions of `linear_baseline` in the target's unit, (rows,)."""
    return np.asarray(np.expm1(model.predict(X)), dtype="float64")
