"""Stage tune: a study over the network's space on train and validation rows -> best.yaml and every trial."""

from pathlib import Path

import pandas as pd
import yaml

from features.errors import FeatureError
from models.errors import ModelError
from models.plots import plot_study
from models.tuning.table import tune_network
from pipeline.figures import save_figure
from pipeline.files import whole_folder, write_csv, write_json, write_text
from pipeline.lineage import digest_code
from pipeline.params import PARAMS_FILE, read_params
from pipeline.stage import run
from pipeline.tables import read_encoded, read_selection


def main(prepared: Path, selection: Path, study: Path, report: Path, params: Path = PARAMS_FILE) -> None:
    """Tune on PREPARED, encoded as SELECTION says; the journal in STUDY goes on where a kill stopped it."""
    wanted, chosen = read_params(params).tune, read_selection(selection)
    study.mkdir(parents=True, exist_ok=True)
    tuned = tune_network(
        read_encoded(prepared / "train.parquet", chosen),
        read_encoded(prepared / "validation.parquet", chosen),
        network=wanted.network,
        storage=study / "journal.log",
        trials=wanted.trials,
        epochs=wanted.epochs,
        patience=wanted.patience,
        seed=wanted.seed,
        threads=wanted.threads,
        pruner=wanted.pruner,
        startup_trials=wanted.startup_trials,
        warm_up_steps=wanted.warm_up_epochs,
        run_key=digest_code(),
        checkpoints=study / "checkpoints",
    )
    trials = pd.DataFrame(tuned.study.trials)
    counts = {state: int((trials["state"] == state).sum()) for state in ("complete", "pruned", "failed")}
    best = {"name": wanted.network, **tuned.params}
    with whole_folder(report) as fresh:
        write_csv(fresh / "trials.csv", trials)
        write_text(fresh / "best.yaml", yaml.safe_dump(best, sort_keys=False))
        write_json(fresh / "metrics.json", {"best_rmsle": tuned.study.best_value, **counts})
        save_figure(fresh / "study.svg", plot_study(trials, metric="validation RMSLE"))


if __name__ == "__main__":
    run(main, FeatureError, ModelError)
