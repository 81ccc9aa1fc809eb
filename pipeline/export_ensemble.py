"""Stage export_ensemble: encoder and AutoGluon's whole ensemble -> ONE graph, certified, in a bundle."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import FeatureError
from models.behaviour.sample import Columns
from models.ensemble import Ensemble
from models.errors import ModelError
from models.export.interval import with_interval
from models.export.table import export_ensemble_table
from pipeline.behaviour import prove_behaviour
from pipeline.card import make_card
from pipeline.export import about_outputs, lineage, read_interval, write_bundle
from pipeline.files import read_json, read_parquet
from pipeline.params import PARAMS_FILE, read_params
from pipeline.proof import graph_path, names, prove_parity
from pipeline.stage import run
from pipeline.tables import Selection, read_selection
from serving.errors import ServingError

SPOILT_ROWS = 40
"""Of each case with missing or unseen values: AutoGluon answers a hundred times slower than the graph."""


def main(
    prepared: Path,
    selection: Path,
    ensemble: Path,
    rows: Path,
    reports: Path,
    models: Path,
    params: Path = PARAMS_FILE,
) -> None:
    """Export SELECTION's encoder and ENSEMBLE into MODELS/name_ensemble/version.

    ROWS are evaluate's. The graph must give the ensemble's own answers on them, on and beside every split of
    every tree, and with values missing, infinite or never seen, and must behave as `export.behaviour`
    expects; else nothing is written. The stages' REPORTS go into the bundle's metrics and its model card.
    """
    settings, chosen = read_params(params), read_selection(selection)
    wanted, fitted, tested = settings.export, Ensemble(ensemble), read_parquet(rows)
    told = read_json(reports / "evaluate/metrics.json")
    interval = read_interval(told, "ensemble")
    found = export_ensemble_table(
        chosen.encoder,
        fitted,
        output=wanted.output,
        numbers=names(chosen, "number"),
        categories=names(chosen, "category"),
        formulas=chosen.inputs.formulas,
    )
    graph = with_interval(found.model, wanted.output, interval)

    def python(columns: Columns) -> NDArray[np.float64]:
        return fitted.predict(chosen.encode(pd.DataFrame(dict(columns))))

    parity = prove_parity(
        graph, chosen, python, interval, tested, wanted,
        predicted="predicted_ensemble", splits=found.splits, spoilt_rows=SPOILT_ROWS,
    )  # fmt: skip
    # The graph alone: it equals the Python path, which would take minutes over these tests.
    paths = {"graph": graph_path(graph, chosen)}
    behaviour = prove_behaviour(paths, chosen, tested, wanted.behaviour)
    write_bundle(
        models, graph, chosen, prepared, wanted,
        name=f"{wanted.name}_ensemble",
        description=f"{wanted.description} AutoGluon's whole ensemble.",
        metrics=told["models"]["ensemble"],
        outputs=about_outputs(wanted.output, interval),
        lineage=lineage(prepared, selection, sorted(ensemble.rglob("*.pkl")), settings),
        card=make_card(
            "ensemble", summary(chosen), chosen, tested, wanted,
            confidence=settings.evaluate.confidence, prepared=prepared, reports=reports,
            parity=parity, behaviour=behaviour,
        ),
        extras={"parity.json": parity, "behaviour.json": behaviour},
    )  # fmt: skip


def summary(chosen: Selection) -> str:
    """What the ensemble is, in a sentence."""
    return (
        f"AutoGluon's whole ensemble, every fold of every member, as one graph: it reads "
        f"{len(chosen.chosen)} columns, which it makes of {len(chosen.inputs.columns)} fields."
    )


if __name__ == "__main__":
    run(main, FeatureError, ModelError, ServingError)
