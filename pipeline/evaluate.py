"""Stage evaluate: the test split, opened here alone -> metrics, slices and plots of every model."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.derive import with_derived
from features.errors import FeatureError
from models.baselines import linear_baseline, median_baseline, predict_linear
from models.conformal import Interval, covered, fit_interval
from models.ensemble import Ensemble
from models.errors import ModelError
from models.metrics import bands, bootstrap_metrics, slice_metrics
from models.plots import plot_models, plot_predictions, plot_slices
from models.table import load_network, predict_network
from pipeline.columns import Schema, read_schema
from pipeline.errors import ParamsError
from pipeline.figures import save_figure
from pipeline.files import whole_folder, write_csv, write_json, write_parquet
from pipeline.params import PARAMS_FILE, EvaluateParams, read_params
from pipeline.picked import Picked, read_picked
from pipeline.stage import run
from pipeline.tables import SLICE, Selection, read_encoded, read_part, read_selection

Floats = NDArray[np.float64]
Predict = Callable[[pd.DataFrame], Floats]
"""Encoded rows to answers (rows,) in the target's unit."""


def main(
    prepared: Path,
    selection: Path,
    ensemble: Path,
    network: Path,
    picked: Path,
    rows: Path,
    report: Path,
    params: Path = PARAMS_FILE,
) -> None:
    """Compare all models on PREPARED/test.parquet; write ROWS and REPORT.

    A pruned ensemble is one of them if PICKED says that it is to be served. ROWS hold inputs, truth, answers
    and slices.
    """
    settings = read_params(params)
    wanted, chosen = settings.evaluate, read_selection(selection)
    target = chosen.inputs.target
    test, y = read_part(prepared / "test.parquet", target.name)
    train = read_part(prepared / "train.parquet", target.name)
    served = fitted_models(Ensemble(ensemble), network, read_picked(picked))
    answers = predict_all(chosen, train, test, served)
    truth = np.asarray(y, dtype=np.float64)
    validation = read_encoded(prepared / "validation.parquet", chosen)
    intervals = fit_intervals(validation, served, coverage=wanted.coverage)
    metrics = bootstrap_metrics(
        truth, answers, resamples=wanted.bootstrap, confidence=wanted.confidence, seed=wanted.seed
    )
    named = slicings(test, read_schema(prepared / "schema.json"), wanted)
    slices = slice_metrics(truth, answers, named, intervals)
    with whole_folder(report) as fresh:
        held = held_shares(truth, answers, intervals)
        write_json(fresh / "metrics.json", {"rows": len(test), "models": metrics, "intervals": held})
        write_csv(fresh / "slices.csv", slices)
        save_figure(fresh / "models.svg", plot_models(metrics))
        figure = plot_predictions(truth, answers, unit=target.unit or target.name)
        save_figure(fresh / "predictions.svg", figure)
        # The median's errors are so large that they would hide how the others differ.
        fitted = slices[slices["model"] != "median"]
        for name in slices["slicing"].unique():
            save_figure(fresh / f"slices_{name}.svg", plot_slices(fitted, slicing=str(name)))
    told = {f"predicted_{name}": values for name, values in answers.items()}
    told |= {f"{SLICE}{name}": values for name, values in named.items()}
    write_parquet(rows, test.assign(**told))


def fitted_models(ensemble: Ensemble, network: Path, picked: Picked) -> dict[str, Predict]:
    """The models that may be served, by name."""
    models: dict[str, Predict] = {
        "ensemble": ensemble.predict,
        "network": partial(predict_network, load_network(network)),
    }
    if picked.model == "pruned":
        models["pruned"] = partial(ensemble.predict, weights=picked.weights)
    return models


def predict_all(
    chosen: Selection,
    train: tuple[pd.DataFrame, "pd.Series[float]"],
    test: pd.DataFrame,
    fitted: Mapping[str, Predict],
) -> dict[str, Any]:
    """Answers of the baselines, fitted here on train rows, and of the fitted models, by name."""
    rows, y = train
    X, X_test = chosen.encode(rows), chosen.encode(test)
    return {
        "median": median_baseline(y, len(test)),
        "linear": predict_linear(linear_baseline(X, y), X_test),
        **{name: predict(X_test) for name, predict in fitted.items()},
    }


def fit_intervals(
    validation: tuple[pd.DataFrame, "pd.Series[float]"], fitted: Mapping[str, Predict], *, coverage: float
) -> dict[str, Interval]:
    """The interval round the answers of the fitted models, from rows that they did not learn from.

    The network was chosen by these rows, and so its interval is a little too narrow: see what share it held.
    """
    X, y = validation
    truth = np.asarray(y, dtype=np.float64)
    return {
        name: fit_interval(truth, predict(X), coverage=coverage, log_target=True)
        for name, predict in fitted.items()
    }


def held_shares(
    truth: Floats, answers: Mapping[str, Floats], intervals: Mapping[str, Interval]
) -> dict[str, dict[str, Any]]:
    """By model its interval, and the share of the test rows that it `held`."""
    return {
        name: {**asdict(interval), "held": covered(truth, *interval.around(answers[name]))}
        for name, interval in intervals.items()
    }


def slicings(test: pd.DataFrame, schema: Schema, wanted: EvaluateParams) -> dict[str, "pd.Series[str]"]:
    """The slice of every test row, by slicing: a category's own values, and bands of a number."""
    table = with_derived(test, schema.formulas)
    for kind, names in (("category", wanted.category_slices), ("number", wanted.number_slices)):
        known = {column.name for column in (schema.target, *schema.candidates) if column.kind == kind}
        strangers = [name for name in names if name not in known]
        if strangers:
            raise ParamsError(
                f"evaluate.{kind}_slices: {strangers[0]!r} is no {kind} column: mend params.yaml"
            )
    named = {name: table[name].fillna("unknown") for name in wanted.category_slices}
    banded = {name: bands(table[name], edges) for name, edges in wanted.number_slices.items()}
    return {**named, **banded}


if __name__ == "__main__":
    run(main, FeatureError, ModelError)
