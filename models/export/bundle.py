"""A table model's bundle: the graph with what the service, and a person, must know about its columns."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from onnx import ModelProto, TensorProto, ValueInfoProto

from models.errors import ExportError
from models.export.graphs import tensor_types
from models.export.parity import GraphSession
from serving.bundle import Bundle, CategoryHistogram, Input, NumberHistogram, Output
from serving.bundle_files import write_bundle
from serving.card import Card
from serving.proof import Proof

PROOF_ROWS = 16
"""Rows whose answers a service must give before it serves the model."""
BINS = 20
"""Bars of a number's histogram."""


def write_table_bundle(
    root: Path,
    model: ModelProto,
    raw: pd.DataFrame,
    *,
    name: str,
    version: int,
    units: Mapping[str, str | None] | None = None,
    levels: Mapping[str, tuple[str, ...]] | None = None,
    output_unit: str | None = None,
    outputs: Mapping[str, Mapping[str, Any]] | None = None,
    description: str = "",
    task: str = "regression",
    metrics: Mapping[str, Any] | None = None,
    lineage: Mapping[str, str] | None = None,
    card: Card | None = None,
    extras: Mapping[str, Any] | None = None,
) -> Path:
    """Write ``root``/``name``/``version`` at one stroke; returns that folder.

    ``raw`` are the training rows as the graph gets them (float32 with NaN, str with ""): ranges, categories,
    histograms and the example row are taken from it. ``levels`` name the allowed categories of a column in
    order; a column without them lists those seen in ``raw``. ``outputs`` give, by an output's name, its
    ``description`` and the ``labels`` of its columns; one without labels that is a number is in
    ``output_unit``. Raises ExportError when ``raw`` lacks an input
    of the graph.
    """
    types = _input_types(model, raw)
    units, levels = units or {}, levels or {}
    bundle = Bundle(
        name=name,
        version=version,
        task=task,
        description=description,
        inputs=tuple(
            _category(column, raw[column], levels.get(column))
            if kind == "STRING"
            else _number(column, raw[column], units.get(column))
            for column, kind in types.items()
        ),
        outputs=tuple(
            _output(value, output_unit, (outputs or {}).get(value.name, {})) for value in model.graph.output
        ),
        metrics=dict(metrics or {}),
        histograms={
            column: category_histogram(raw[column]) if kind == "STRING" else number_histogram(raw[column])
            for column, kind in types.items()
        },
        lineage=dict(lineage or {}),
        example={column: _plain(raw[column].iloc[0]) for column in types},
        card=card,
    )
    bundle = bundle.model_copy(update={"proof": _proof(model, bundle, raw)})
    folder = root / name / str(version)
    write_bundle(folder, model.SerializeToString(deterministic=True), bundle, extras)
    return folder


def _proof(model: ModelProto, bundle: Bundle, raw: pd.DataFrame) -> Proof:
    """The graph's answers to the first rows, as a service gives them."""
    session = GraphSession(model)
    rows = raw[list(bundle.inputs_by_name)].head(PROOF_ROWS)
    answers = session.answers({str(name): rows[name].to_numpy() for name in rows}, session.outputs)
    records = tuple({str(name): _plain(rows[name].iloc[at]) for name in rows} for at in range(len(rows)))
    return Proof(records=records, outputs={name: values.tolist() for name, values in answers.items()})


def _input_types(model: ModelProto, raw: pd.DataFrame) -> dict[str, str]:
    """The element type of every input of the graph, each of which `raw` must have."""
    types = tensor_types(model)
    absent = [column for column in types if column not in raw.columns]
    if absent:
        raise ExportError(f"expected training rows with every input of the graph, {absent[0]!r} is absent")
    return types


def number_histogram(values: "pd.Series[Any]") -> NumberHistogram:
    """Counts in ``BINS`` bars of equal width between the least and the largest value."""
    known = values[values.notna()].to_numpy(dtype=np.float64)
    counts, edges = np.histogram(known, bins=BINS)
    return NumberHistogram(
        edges=tuple(map(float, edges)), counts=tuple(map(int, counts)), missing=len(values) - len(known)
    )


def category_histogram(values: "pd.Series[Any]") -> CategoryHistogram:
    """Counts by category, the most frequent first; "" is missing."""
    known = values[values != ""]
    counts = {str(category): int(count) for category, count in known.value_counts().items()}
    return CategoryHistogram(categories=counts, missing=len(values) - len(known))


def _number(name: str, values: "pd.Series[Any]", unit: str | None) -> Input:
    known = values[values.notna()]
    least, largest = (float(known.min()), float(known.max())) if len(known) else (None, None)
    return Input(name=name, datatype="FP32", kind="number", unit=unit, minimum=least, maximum=largest)


def _category(name: str, values: "pd.Series[Any]", levels: tuple[str, ...] | None) -> Input:
    seen = tuple(sorted(str(category) for category in values.unique() if category != ""))
    return Input(name=name, datatype="BYTES", kind="category", categories=levels or seen)


def _output(value: ValueInfoProto, unit: str | None, about: Mapping[str, Any]) -> Output:
    kind = value.type.tensor_type
    text = kind.elem_type == TensorProto.STRING
    return Output(
        name=value.name,
        datatype="BYTES" if text else "FP32",
        shape=(-1, *(size.dim_value for size in kind.shape.dim[1:])),
        unit=None if text or "labels" in about else unit,
        **about,
    )


def _plain(value: Any) -> str | float | None:
    """One cell as a client would send it: null for missing."""
    if isinstance(value, str):
        return value or None
    return None if pd.isna(value) else float(value)
