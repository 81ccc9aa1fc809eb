"""Stage export: encoder and network -> ONE graph from raw columns, proven and tested, in a bundle."""

from collections.abc import Iterable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from onnx import ModelProto

from features.errors import FeatureError
from models.behaviour.sample import Columns
from models.conformal import Interval
from models.errors import ModelError
from models.export.bundle import write_table_bundle
from models.export.interval import interval_outputs, with_interval
from models.export.table import export_network_table
from models.table import TableNetwork, load_network, predict_network
from pipeline.behaviour import prove_behaviour
from pipeline.card import make_card
from pipeline.files import read_json, read_parquet
from pipeline.lineage import digest_code, digest_files, digest_json
from pipeline.params import PARAMS_FILE, ExportParams, Params, read_params
from pipeline.proof import graph_path, names, prove_parity
from pipeline.stage import run
from pipeline.tables import Selection, read_part, read_selection
from serving.errors import ServingError


def main(
    prepared: Path,
    selection: Path,
    network: Path,
    rows: Path,
    reports: Path,
    models: Path,
    params: Path = PARAMS_FILE,
) -> None:
    """Export SELECTION's encoder and NETWORK into MODELS/name/version.

    ROWS are evaluate's: the raw inputs of every test row with the network's own answers. The graph must give
    the same ones, and the same as the Python path when values are missing or never seen, and both must
    behave as `export.behaviour` expects; else nothing is written. The stages' REPORTS go into the bundle's
    metrics and its model card.
    """
    settings, chosen = read_params(params), read_selection(selection)
    wanted, fitted = settings.export, load_network(network)
    told = read_json(reports / "evaluate/metrics.json")
    interval = read_interval(told, "network")
    graph = export_network_table(
        chosen.encoder,
        replace(fitted.task.served(), outputs=(wanted.output,)),
        numbers=names(chosen, "number"),
        categories=names(chosen, "category"),
        formulas=chosen.inputs.formulas,
    )
    graph = with_interval(graph, wanted.output, interval)
    tested = read_parquet(rows)

    def python(columns: Columns) -> NDArray[np.float64]:
        return predict_network(fitted, chosen.encode(pd.DataFrame(dict(columns))))

    parity = prove_parity(graph, chosen, python, interval, tested, wanted, predicted="predicted_network")
    paths = {"Python": python, "graph": graph_path(graph, chosen)}
    behaviour = prove_behaviour(paths, chosen, tested, wanted.behaviour)
    write_bundle(
        models, graph, chosen, prepared, wanted,
        name=wanted.name,
        description=wanted.description,
        metrics=told["models"]["network"],
        outputs=about_outputs(wanted.output, interval),
        lineage=lineage(prepared, selection, [network / "network.json", network / "network.pt"], settings),
        card=make_card(
            "network", summary(fitted, chosen, taught=bool(settings.train.distil)), chosen, tested, wanted,
            confidence=settings.evaluate.confidence, prepared=prepared, reports=reports,
            parity=parity, behaviour=behaviour,
        ),
        extras={"parity.json": parity, "behaviour.json": behaviour},
    )  # fmt: skip


def summary(fitted: TableNetwork, chosen: Selection, *, taught: bool) -> str:
    """What the network is, in a sentence or two."""
    weights = sum(weight.numel() for weight in fitted.task.parameters())
    learnt = " It learnt from the answers of the ensemble as well as from the true ones." if taught else ""
    return (
        f"A neural network ({fitted.network}, {weights:,} weights) that reads {len(chosen.chosen)} columns, "
        f"which the graph makes of {len(chosen.inputs.columns)} fields.{learnt}"
    )


def read_interval(told: dict[str, Any], model: str) -> Interval:
    """A model's interval from the metrics that evaluate wrote."""
    return Interval(**{field.name: told["intervals"][model][field.name] for field in fields(Interval)})


def about_outputs(output: str, interval: Interval) -> dict[str, dict[str, Any]]:
    """What the bundle says of the answer and of its interval's ends."""
    low, high = interval_outputs(output)
    share = f"{100 * interval.coverage:g}%"
    return {
        output: {"interval": {"low": low, "high": high, "coverage": interval.coverage}},
        low: {"description": f"lower end of the interval that holds {share} of true values"},
        high: {"description": f"upper end of the interval that holds {share} of true values"},
    }


def write_bundle(
    models: Path, graph: ModelProto, chosen: Selection, prepared: Path, wanted: ExportParams, **about: Any
) -> None:
    """Write a bundle whose columns are described by the training rows in PREPARED."""
    train, _ = read_part(prepared / "train.parquet", chosen.inputs.target.name)
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


def lineage(prepared: Path, selection: Path, weights: Iterable[Path], settings: Params) -> dict[str, str]:
    """Digests of what the bundle was made from; WEIGHTS are the fitted model's files."""
    return {
        "data": digest_files([prepared / "train.parquet"]),
        "selection": digest_files(
            selection / name for name in ("inputs.json", "columns.json", "encoder.joblib")
        ),
        "model": digest_files(weights),
        "params": digest_json(settings.export.model_dump()),
        "code": digest_code(),
    }


if __name__ == "__main__":
    run(main, FeatureError, ModelError, ServingError)
