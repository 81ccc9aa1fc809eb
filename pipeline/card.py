"""The model card of a bundle: what the stages measured, for people, and the limits that follow."""

from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.card_limits import Evidence, limits
from pipeline.errors import InputError
from pipeline.files import read_csv, read_json
from pipeline.params_export import ExportParams
from pipeline.tables import Selection, read_part
from serving.card import Card, CardData, CardMetric, CardSlice, Target

MEANINGS = {
    "rmsle": "root of the mean squared difference of log(1 + value), 0.1 being about 10% off; less is better",
    "mae": "mean absolute error; less is better",
    "r2": "share of the variance that is explained, 1 being perfect; more is better",
    "held": "share of true values inside the interval that the model answers with",
    "bias": "mean difference of log(1 + value), answer less truth: 0.05 is about 5% too high",
}
BETTER: dict[str, Any] = {"rmsle": "less", "mae": "less", "r2": "more"}
IN_UNIT = {"mae"}
"""Figures in the target's unit; the others have none."""


def make_card(
    model: str,
    about: str,
    chosen: Selection,
    rows: pd.DataFrame,
    wanted: ExportParams,
    *,
    confidence: float,
    prepared: Path,
    reports: Path,
    parity: dict[str, Any],
    behaviour: dict[str, Any],
) -> Card:
    """The card of MODEL, which the words ABOUT describe.

    ROWS are evaluate's, REPORTS the stages' reports, `parity` and `behaviour` what the export has just shown;
    `confidence` is that of evaluate's intervals. Raises InputError for a report that lacks something.
    """
    train, _ = read_part(prepared / "train.parquet", chosen.inputs.target.name)
    found = read_csv(reports / "evaluate/slices.csv")
    try:
        told = read_json(reports / "evaluate/metrics.json")
        figures, intervals = told["models"], told["intervals"]
        slices = read_slices(found, model)
        data = describe_data(chosen, train, wanted, read_json(prepared / "counts.json"), reports)
        evidence = Evidence(
            model, chosen, train, rows, figures[model]["rmsle"]["value"], slices, parity, behaviour,
            few_rows=wanted.card.few_rows,
        )  # fmt: skip
        return Card(
            model=about,
            intended_use=wanted.card.intended_use,
            data=data,
            confidence=confidence,
            metrics=(*read_metrics(figures, model, chosen.inputs.target.unit), read_held(intervals, model)),
            slices=slices,
            few_rows=wanted.card.few_rows,
            meanings=MEANINGS,
            limits=(*wanted.card.limits, *limits(evidence)),
        )
    except (KeyError, TypeError) as error:
        raise InputError(
            f"the model card lacks {error} in {reports} or {prepared}: run `dvc repro` to write them again"
        ) from error


def describe_data(
    chosen: Selection, train: pd.DataFrame, wanted: ExportParams, counts: dict[str, Any], reports: Path
) -> CardData:
    """What was crawled, how it was split, and the target in the training rows."""
    parse, goal = read_json(reports / "parse.json"), chosen.inputs.target
    known = train[goal.name].astype("float64")
    return CardData(
        source=wanted.card.source,
        site=parse["site"],
        records=parse["records"],
        rows=counts["rows"],
        split=f"by a hash of the key {chosen.inputs.key}, so that a new crawl moves no row to another part; "
        "the test rows were opened for the figures alone",
        period=period(train, wanted.card.period),
        target=Target(
            name=goal.name,
            unit=goal.unit,
            minimum=float(known.min()),
            median=float(known.median()),
            maximum=float(known.max()),
        ),
    )


def period(train: pd.DataFrame, column: str | None) -> str:
    """The range of the column that says when a row is from; no column, no period."""
    if column is None:
        return ""
    if column not in train.columns or not pd.api.types.is_numeric_dtype(train[column]):
        raise InputError(f"export.card.period: {column!r} is no number column of the table: mend params.yaml")
    return f"{column} {train[column].min():g} to {train[column].max():g} in the training rows"


def read_metrics(figures: dict[str, Any], model: str, unit: str | None) -> tuple[CardMetric, ...]:
    """The figures of MODEL, each beside those of the other models."""
    return tuple(
        CardMetric(
            name=name,
            **found,
            unit=unit if name in IN_UNIT else None,
            better=BETTER.get(name),
            others={other: shown[name]["value"] for other, shown in figures.items() if other != model},
        )
        for name, found in figures[model].items()
    )


def read_held(intervals: dict[str, Any], model: str) -> CardMetric:
    """The share of true values that the interval of MODEL held, beside those of the other models."""
    held = {name: float(interval["held"]) for name, interval in intervals.items()}
    return CardMetric(name="held", value=held.pop(model), others=held)


def read_slices(found: pd.DataFrame, model: str) -> tuple[CardSlice, ...]:
    """The slices of MODEL in slices.csv."""
    return tuple(
        CardSlice(
            slicing=str(row["slicing"]),
            name=str(row["slice"]),
            rows=int(row["rows"]),
            metrics={name: float(row[name]) for name in ("rmsle", "mae", "bias", "held")},
        )
        for row in found[found["model"] == model].to_dict(orient="records")
    )
