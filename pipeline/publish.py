"""From a served model to its bundle: parity and behaviour are shown first, else nothing is written."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd
from onnx import ModelProto

from models.conformal import Interval
from models.export.bundle import write_table_bundle
from models.export.interval import interval_outputs, with_interval
from pipeline.behaviour import prove_behaviour
from pipeline.card import make_card, period
from pipeline.errors import InputError
from pipeline.files import read_json, read_parquet
from pipeline.lineage import digest_code, digest_files, digest_json
from pipeline.params_export import ExportParams
from pipeline.proof import graph_path, prove_parity
from pipeline.served import Served
from pipeline.tables import Selection, read_part


@dataclass(frozen=True)
class Sources:
    """Where the stages before an export wrote: folders, and ``rows``, evaluate's table of the test rows."""

    prepared: Path
    selection: Path
    rows: Path
    reports: Path


def publish(
    served: Served,
    chosen: Selection,
    sources: Sources,
    models: Path,
    wanted: ExportParams,
    *,
    confidence: float,
    name: str,
    description: str,
) -> None:
    """Write MODELS/name/version, which carries parity, behaviour and the model card.

    The graph must give the model's own answers on evaluate's rows, on and beside every split, and with values
    missing, infinite or never seen, and must behave as `export.behaviour` expects. `confidence` is that of
    evaluate's figures. Raises ParityError or BehaviourError otherwise, and InputError when a report lacks
    something.
    """
    tested = read_parquet(sources.rows)
    train, _ = read_part(sources.prepared / "train.parquet", chosen.inputs.target.name)
    period(train, wanted.card.period)  # a wrong name is told before the proofs, which take a minute
    told = read_json(sources.reports / "evaluate/metrics.json")
    interval = read_interval(told, served.model)
    graph = with_interval(served.graph, wanted.output, interval)
    parity = prove_parity(
        graph, chosen, served.python, interval, tested, wanted,
        predicted=f"predicted_{served.model}", splits=served.splits, spoilt_rows=served.spoilt_rows,
    )  # fmt: skip
    python = {} if served.slow else {"Python": served.python}
    behaviour = prove_behaviour(
        {**python, "graph": graph_path(graph, chosen)}, chosen, tested, wanted.behaviour
    )
    _write(
        models, graph, chosen, train, wanted,
        name=name,
        description=description,
        metrics=told["models"][served.model],
        outputs=about_outputs(wanted.output, interval),
        lineage=lineage(sources, served.files, wanted),
        card=make_card(
            served.model, served.summary, chosen, tested, wanted,
            confidence=confidence, prepared=sources.prepared, reports=sources.reports,
            parity=parity, behaviour=behaviour,
        ),
        extras={"parity.json": parity, "behaviour.json": behaviour},
    )  # fmt: skip


def read_interval(told: dict[str, Any], model: str) -> Interval:
    """A model's interval from the metrics that evaluate wrote."""
    try:
        return Interval(**{field.name: told["intervals"][model][field.name] for field in fields(Interval)})
    except KeyError as error:
        raise InputError(f"evaluate's metrics.json lacks {error}: run the stage evaluate again") from error


def about_outputs(output: str, interval: Interval) -> dict[str, dict[str, Any]]:
    """What the bundle says of the answer and of its interval's ends."""
    low, high = interval_outputs(output)
    share = f"{100 * interval.coverage:g}%"
    return {
        output: {"interval": {"low": low, "high": high, "coverage": interval.coverage}},
        low: {"description": f"lower end of the interval that holds {share} of true values"},
        high: {"description": f"upper end of the interval that holds {share} of true values"},
    }


def _write(
    models: Path,
    graph: ModelProto,
    chosen: Selection,
    train: pd.DataFrame,
    wanted: ExportParams,
    **about: Any,
) -> None:
    """Write a bundle whose columns are described by the training rows."""
    write_table_bundle(
        models,
        graph,
        chosen.raw(train),
        version=wanted.version,
        units={column.name: column.unit for column in chosen.inputs.columns},
        levels={column.name: column.levels for column in chosen.inputs.columns if column.levels},
        output_unit=chosen.inputs.target.unit,
        **about,
    )


def lineage(sources: Sources, weights: Iterable[Path], wanted: ExportParams) -> dict[str, str]:
    """Digests of what the bundle was made from; WEIGHTS are the fitted model's files."""
    parts = ("inputs.json", "columns.json", "encoder.joblib")
    return {
        "data": digest_files([sources.prepared / "train.parquet"]),
        "selection": digest_files(sources.selection / name for name in parts),
        "model": digest_files(weights),
        "params": digest_json(wanted.model_dump()),
        "code": digest_code(),
    }
