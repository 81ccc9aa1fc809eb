"""Stage decompose: refits of a tree and of its combinations -> test error split into bias and variance."""

from pathlib import Path
from typing import Any

import numpy as np

from features.errors import FeatureError
from models.decomposition import decompose, parts_table
from models.errors import ModelError
from models.learners import final_ensemble, step_learners
from models.plots import plot_decomposition
from models.refits import Learner, draw_size, refit
from pipeline.compute import engine
from pipeline.figures import save_figure
from pipeline.files import whole_folder, write_csv, write_json
from pipeline.params import PARAMS_FILE, DecomposeParams, EnsembleParams, read_params
from pipeline.stage import run
from pipeline.tables import read_encoded, read_selection


def main(prepared: Path, selection: Path, rows: Path, report: Path, params: Path = PARAMS_FILE) -> None:
    """Refit on draws of PREPARED/train.parquet, answer the test rows in evaluate's ROWS, write REPORT."""
    settings = read_params(params)
    wanted, full, chosen = settings.decompose, settings.ensemble, read_selection(selection)
    X, y = read_encoded(prepared / "train.parquet", chosen)
    X_test, truth = read_encoded(rows, chosen)
    with engine(settings.compute):
        answers = refit(
            learners(wanted, full),
            X.to_numpy(),
            np.log1p(y.to_numpy("float64")),
            X_test.to_numpy(),
            refits=wanted.refits,
            fraction=wanted.fraction,
            seed=wanted.seed,
        )
    parts = decompose(
        answers,
        np.log1p(truth.to_numpy("float64")),
        resamples=wanted.bootstrap,
        confidence=wanted.confidence,
        seed=wanted.seed,
    )
    table = parts_table(parts)
    with whole_folder(report) as fresh:
        write_json(fresh / "metrics.json", {"rows": len(truth), "learners": parts})
        write_json(fresh / "budget.json", budget(wanted, full, len(X)))
        write_csv(fresh / "decomposition.csv", table)
        save_figure(fresh / "decomposition.svg", plot_decomposition(table))


def learners(wanted: DecomposeParams, full: EnsembleParams) -> dict[str, Learner]:
    """Those that are compared, by name: from the single tree to AutoGluon's final ensemble."""
    steps = step_learners(
        min_leaf=wanted.min_leaf,
        bagged_trees=wanted.bagged_trees,
        boosted=wanted.boosted.model_dump(),
        stacked_folds=wanted.stacked_folds,
        threads=wanted.threads,
    )
    final = final_ensemble(**{**full.settings(), "folds": wanted.final_folds, "threads": wanted.threads})
    return {**steps, "AutoGluon": final}


def budget(wanted: DecomposeParams, full: EnsembleParams, rows: int) -> dict[str, Any]:
    """What the refits had, for the report: settings, their rows, and the folds of the chain's ensemble."""
    return {
        **wanted.model_dump(),
        "rows": rows,
        "rows_each": draw_size(rows, wanted.fraction),
        "families": list(full.preset.families),
        "stack_levels": full.preset.stack_levels,
        "chain_folds": full.preset.folds,
    }


if __name__ == "__main__":
    run(main, FeatureError, ModelError)
