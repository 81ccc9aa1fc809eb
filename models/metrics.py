"""How good predictions of a positive number are: metrics, bootstrap intervals, and the same by slice."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.conformal import Interval, covered

Floats = NDArray[np.float64]
Metric = Callable[[Floats, Floats], Any]


def rmsle(y: Floats, predicted: Floats) -> Any:
    """Root of the mean squared difference of log(1 + y), over the last axis; 0.1 is about 10% off."""
    return np.sqrt(np.mean((np.log1p(predicted) - np.log1p(y)) ** 2, axis=-1))


def r2(y: Floats, predicted: Floats) -> Any:
    """Coefficient of determination over the last axis: 1 is perfect, 0 no better than the mean.

    Where y does not vary it is 1 for perfect answers and 0 for any other, as in scikit-learn.
    """
    residual = np.sum((y - predicted) ** 2, axis=-1)
    total = np.sum((y - y.mean(axis=-1, keepdims=True)) ** 2, axis=-1)
    share = np.divide(residual, total, out=np.where(residual > 0, 1.0, 0.0), where=total > 0)
    return 1 - share


def mae(y: Floats, predicted: Floats) -> Any:
    """Mean absolute error over the last axis, in the target's unit."""
    return np.mean(np.abs(y - predicted), axis=-1)


METRICS: dict[str, Metric] = {"rmsle": rmsle, "r2": r2, "mae": mae}


def bootstrap_metrics(
    y: Floats, predictions: Mapping[str, Floats], *, resamples: int, confidence: float, seed: int
) -> dict[str, dict[str, dict[str, float]]]:
    """Every metric of every model with its percentile interval: {model: {metric: {value, low, high}}}.

    y and each prediction are (rows,). The same `resamples` draws of rows serve all models (Efron and
    Tibshirani 1993, chapter 13), so that intervals differ by the models and not by the draw.
    """
    draws = np.random.default_rng(seed).integers(len(y), size=(resamples, len(y)))
    tail = (1 - confidence) / 2
    result: dict[str, dict[str, dict[str, float]]] = {}
    for model, predicted in predictions.items():
        result[model] = {}
        for name, metric in METRICS.items():
            low, high = np.quantile(metric(y[draws], predicted[draws]), [tail, 1 - tail])
            value = metric(y, predicted)
            result[model][name] = {"value": float(value), "low": float(low), "high": float(high)}
    return result


def bands(values: "pd.Series[Any]", edges: Sequence[float]) -> "pd.Series[str]":
    """The band of each number between ascending `edges`, by name: "under 5", "5 to 9", "9 and over"."""
    shown = [f"{edge:,.0f}" if edge >= 10_000 else f"{edge:g}" for edge in edges]
    between = [f"{low} to {high}" for low, high in pairwise(shown)]
    names = np.array([f"under {shown[0]}", *between, f"{shown[-1]} and over"], dtype=object)
    places = np.searchsorted(np.asarray(edges, dtype="float64"), values.to_numpy("float64"), side="right")
    named = pd.Series(names[places], index=values.index, name=values.name)
    return named.where(values.notna(), "unknown")


def slice_metrics(
    y: Floats,
    predictions: Mapping[str, Floats],
    slices: Mapping[str, "pd.Series[str]"],
    intervals: Mapping[str, Interval] | None = None,
) -> pd.DataFrame:
    """RMSLE, MAE and bias (mean log error) by slice: one row per slicing, slice and model.

    `held` is the share of true values inside the model's interval, NaN for a model that has none.
    """
    rows = []
    for slicing, names in slices.items():
        for name in sorted(names.unique()):
            inside = (names == name).to_numpy()
            for model, predicted in predictions.items():
                truth, guess = y[inside], predicted[inside]
                bias = float(np.mean(np.log1p(guess) - np.log1p(truth)))
                errors = {"rmsle": float(rmsle(truth, guess)), "mae": float(mae(truth, guess)), "bias": bias}
                known = (intervals or {}).get(model)
                errors["held"] = np.nan if known is None else covered(truth, *known.around(guess))
                rows.append(
                    {"slicing": slicing, "slice": name, "model": model, "rows": int(inside.sum()), **errors}
                )
    return pd.DataFrame(rows)
