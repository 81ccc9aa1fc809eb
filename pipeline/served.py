"""A fitted model that is to be served: its graph from raw columns, and the Python path that it must equal."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from onnx import ModelProto

from models.behaviour.sample import Answer, Columns
from models.ensemble import Ensemble
from models.export.table import export_ensemble_table, export_network_table
from models.table import TableNetwork, load_network, predict_network
from pipeline.proof import names
from pipeline.tables import Selection

SPOILT_ROWS = 40
"""Of each case with missing or unseen values: AutoGluon answers a hundred times slower than the graph."""


@dataclass(frozen=True)
class Served:
    """``model`` is its name in evaluate's figures, ``files`` hold the fitted model.

    ``splits`` and ``spoilt_rows`` as in ``models.export.parity.check_cases``; a model that is ``slow`` in
    Python shows its behaviour by the graph alone, which equals the Python path.
    """

    model: str
    summary: str
    graph: ModelProto
    python: Answer
    files: list[Path]
    splits: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    spoilt_rows: int | None = None
    slow: bool = False


def columns_of(chosen: Selection) -> dict[str, Any]:
    """The raw inputs of a graph, as the exporters take them."""
    return {
        "numbers": names(chosen, "number"),
        "categories": names(chosen, "category"),
        "formulas": chosen.inputs.formulas,
    }


def served_network(chosen: Selection, folder: Path, *, output: str, taught: bool) -> Served:
    """The network in FOLDER; ``taught`` says that it learnt from the ensemble."""
    fitted = load_network(folder)
    graph = export_network_table(
        chosen.encoder, replace(fitted.task.served(), outputs=(output,)), **columns_of(chosen)
    )

    def python(columns: Columns) -> NDArray[np.float64]:
        return predict_network(fitted, chosen.encode(pd.DataFrame(dict(columns))))

    files = [folder / "network.json", folder / "network.pt"]
    return Served("network", _network(fitted, chosen, taught=taught), graph, python, files)


def served_ensemble(
    chosen: Selection, folder: Path, *, output: str, weights: Mapping[str, float] | None = None
) -> Served:
    """The ensemble in FOLDER as a whole, or the mean of its members by ``weights``, then called pruned."""
    fitted = Ensemble(folder)
    found = export_ensemble_table(
        chosen.encoder, fitted, output=output, weights=weights, **columns_of(chosen)
    )

    def python(columns: Columns) -> NDArray[np.float64]:
        encoded = chosen.encode(pd.DataFrame(dict(columns)))
        return np.asarray(fitted.predict(encoded, weights=weights), dtype=np.float64)

    return Served(
        "pruned" if weights else "ensemble", _ensemble(chosen, weights), found.model, python,
        sorted(folder.rglob("*.pkl")), splits=found.splits, spoilt_rows=SPOILT_ROWS, slow=True,
    )  # fmt: skip


def _network(fitted: TableNetwork, chosen: Selection, *, taught: bool) -> str:
    weights = sum(weight.numel() for weight in fitted.task.parameters())
    learnt = " It learnt from the answers of the ensemble as well as from the true ones." if taught else ""
    return f"A neural network ({fitted.network}, {weights:,} weights) that {_reads(chosen)}.{learnt}"


def _ensemble(chosen: Selection, weights: Mapping[str, float] | None) -> str:
    what = "AutoGluon's whole ensemble"
    if weights:
        shares = ", ".join(f"{100 * weight:.0f}% {name}" for name, weight in weights.items())
        what = f"A mean of members of AutoGluon's ensemble ({shares})"
    return f"{what}, folds and stack levels included, as one graph that {_reads(chosen)}."


def _reads(chosen: Selection) -> str:
    fields = len(chosen.inputs.columns)
    return f"reads {len(chosen.chosen)} columns, which the graph makes of {fields} fields"
