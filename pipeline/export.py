"""Stage export: encoder and network -> ONE graph from raw columns, proven and tested, in a bundle."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from onnx import ModelProto

from features.errors import FeatureError
from models.behaviour.sample import Answer, Columns
from models.errors import ModelError
from models.export.bundle import write_table_bundle
from models.export.parity import GraphSession, check_cases, check_parity
from models.export.table import export_network_table
from models.table import TableNetwork, load_network, predict_network
from pipeline.behaviour import prove_behaviour
from pipeline.files import read_json, read_parquet
from pipeline.lineage import digest_code, digest_files, digest_json
from pipeline.params import PARAMS_FILE, ExportParams, Params, read_params
from pipeline.stage import run
from pipeline.tables import Selection, read_part, read_selection
from serving.errors import ServingError


def main(
    prepared: Path,
    selection: Path,
    network: Path,
    rows: Path,
    metrics: Path,
    models: Path,
    params: Path = PARAMS_FILE,
) -> None:
    """Export SELECTION's encoder and NETWORK into MODELS/name/version.

    ROWS are evaluate's: the raw inputs of every test row with the network's own answers. The graph must give
    the same ones, and the same as the Python path when values are missing or never seen, and both must
    behave as `export.behaviour` expects; else nothing is written. The metrics file METRICS goes into the
    bundle.
    """
    settings, chosen = read_params(params), read_selection(selection)
    wanted, fitted = settings.export, load_network(network)
    graph = export_network_table(
        chosen.encoder,
        replace(fitted.task.served(), outputs=(wanted.output,)),
        numbers=names(chosen, "number"),
        categories=names(chosen, "category"),
        formulas=chosen.inputs.formulas,
    )
    tested = read_parquet(rows)
    parity = prove(graph, chosen, fitted, tested, wanted)
    behaviour = prove_behaviour(paths(graph, chosen, fitted), chosen, tested, wanted.behaviour)
    train, _ = read_part(prepared / "train.parquet", chosen.inputs.target.name)
    write_table_bundle(
        models,
        graph,
        chosen.raw(train),
        name=wanted.name,
        version=wanted.version,
        units={column.name: column.unit for column in chosen.inputs.columns},
        levels={column.name: column.levels for column in chosen.inputs.columns if column.levels},
        output_unit=chosen.inputs.target.unit,
        description=wanted.description,
        metrics=read_json(metrics)["models"]["network"],
        lineage=lineage(prepared, selection, network, settings),
        extras={"parity.json": parity, "behaviour.json": behaviour},
    )


def names(chosen: Selection, kind: str) -> list[str]:
    """The raw inputs of one kind."""
    return [column.name for column in chosen.inputs.columns if column.kind == kind]


def prove(
    graph: ModelProto, chosen: Selection, fitted: TableNetwork, rows: pd.DataFrame, wanted: ExportParams
) -> dict[str, Any]:
    """The content of parity.json: every case's differences, and each row's key and answer.

    Raises ParityError for the first row on which graph and Python differ by more than the tolerance.
    """
    inputs = {str(name): values.to_numpy() for name, values in chosen.raw(rows).items()}

    def answer(columns: dict[str, NDArray[Any]]) -> NDArray[np.float64]:
        return predict_network(fitted, chosen.encode(pd.DataFrame(columns)))

    truth = rows["predicted_network"].to_numpy()
    same = check_parity(graph, inputs, truth, tolerance=wanted.tolerance, case="as evaluated")
    cases = check_cases(
        graph,
        inputs,
        answer,
        numbers=names(chosen, "number"),
        categories=names(chosen, "category"),
        tolerance=wanted.tolerance,
    )
    reports = {"as evaluated": same, **cases}
    return {
        "tolerance": wanted.tolerance,
        "cases": [{"name": name, **report.to_dict()} for name, report in reports.items()],
        "answers": {"keys": rows[chosen.inputs.key].tolist(), wanted.output: truth.tolist()},
    }


def paths(graph: ModelProto, chosen: Selection, fitted: TableNetwork) -> dict[str, Answer]:
    """The two paths whose behaviour is tested here; `millrace test-model` tests the third, a running service.

    Both are given columns as people write them, so the graph's are typed first, as the service types them:
    ONNX cannot fold white space in a text, hence graphs take it folded.
    """
    session = GraphSession(graph)

    def python(columns: Columns) -> NDArray[np.float64]:
        return predict_network(fitted, chosen.encode(pd.DataFrame(dict(columns))))

    def in_graph(columns: Columns) -> NDArray[np.float64]:
        raw = chosen.raw(pd.DataFrame(dict(columns)))
        return session.answer({str(name): values.to_numpy() for name, values in raw.items()})

    return {"Python": python, "graph": in_graph}


def lineage(prepared: Path, selection: Path, network: Path, settings: Params) -> dict[str, str]:
    """Digests of what the bundle was made from."""
    weights = [network / "network.json", network / "network.pt"]
    return {
        "data": digest_files([prepared / "train.parquet"]),
        "selection": digest_files(
            selection / name for name in ("inputs.json", "columns.json", "encoder.joblib")
        ),
        "network": digest_files(weights),
        "params": digest_json(settings.export.model_dump()),
        "code": digest_code(),
    }


if __name__ == "__main__":
    run(main, FeatureError, ModelError, ServingError)
