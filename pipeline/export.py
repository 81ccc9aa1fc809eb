"""Stage export: encoder and network -> ONE graph from raw columns, proven against Python, in a bundle."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.export.bundle import write_table_bundle
from models.export.parity import check_cases, check_parity
from models.export.table import export_table
from models.table import load_network, predict_network
from pipeline.files import read_json, read_parquet
from pipeline.lineage import digest_code, digest_files, digest_json
from pipeline.params import PARAMS_FILE, Params, read_params
from pipeline.stage import run
from pipeline.tables import read_part, read_selection


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
    the same ones, and the same as the Python path when values are missing or never seen; else nothing is
    written. The metrics file METRICS goes into the bundle.
    """
    settings, chosen = read_params(params), read_selection(selection)
    wanted, fitted = settings.export, load_network(network)
    numbers = [column.name for column in chosen.inputs.columns if column.kind == "number"]
    categories = [column.name for column in chosen.inputs.columns if column.kind == "category"]
    graph = export_table(
        chosen.encoder,
        fitted.task.served(),
        numbers=numbers,
        categories=categories,
        formulas=chosen.inputs.formulas,
    )
    evaluated = read_parquet(rows)
    inputs = {str(name): values.to_numpy() for name, values in chosen.raw(evaluated).items()}

    def answer(columns: dict[str, NDArray[Any]]) -> NDArray[np.float64]:
        return predict_network(fitted, chosen.encode(pd.DataFrame(columns)))

    truth = evaluated["predicted_network"].to_numpy()
    same = check_parity(graph, inputs, truth, tolerance=wanted.tolerance, case="as evaluated")
    cases = check_cases(
        graph, inputs, answer, numbers=numbers, categories=categories, tolerance=wanted.tolerance
    )
    parity = {
        "tolerance": wanted.tolerance,
        "cases": [
            {"name": name, **report.to_dict()} for name, report in {"as evaluated": same, **cases}.items()
        ],
        "answers": {"keys": evaluated[chosen.inputs.key].tolist(), wanted.output: truth.tolist()},
    }
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
        extras={"parity.json": parity},
    )


def lineage(prepared: Path, selection: Path, network: Path, settings: Params) -> dict[str, str]:
    """Digests of what the bundle was made from."""
    weights = [network / "network.json", network / "network.pt"]
    return {
        "data": digest_files([prepared / "train.parquet"]),
        "selection": digest_files([selection / "inputs.json", selection / "columns.json"]),
        "network": digest_files(weights),
        "params": digest_json(settings.model_dump()),
        "code": digest_code(),
    }


if __name__ == "__main__":
    run(main)
