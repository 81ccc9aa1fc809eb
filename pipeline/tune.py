"""Stage tune: a study over the network's space on train and validation rows -> best.yaml and every trial."""

from pathlib import Path

from features.errors import FeatureError
from models.errors import ModelError
from models.tuning.objective import FULL, Rung
from models.tuning.table import tune_network
from models.tuning.warm_start import starts
from pipeline.compute import engine
from pipeline.lineage import digest_code
from pipeline.params import PARAMS_FILE, TuneParams, read_params
from pipeline.stage import run
from pipeline.study_report import write_study
from pipeline.tables import read_encoded, read_selection


def main(prepared: Path, selection: Path, study: Path, report: Path, params: Path = PARAMS_FILE) -> None:
    """Tune on PREPARED, encoded as SELECTION says; the journal in STUDY goes on where a kill stopped it."""
    settings, chosen = read_params(params), read_selection(selection)
    wanted = settings.tune
    study.mkdir(parents=True, exist_ok=True)
    with engine(settings.compute):
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
            sampler=wanted.sampler,
            pruner=wanted.pruner,
            startup_trials=wanted.startup_trials,
            warm_up_steps=wanted.warm_up_steps,
            ladder=ladder(wanted),
            folds=wanted.folds,
            audit=wanted.audit,
            tau_floor=wanted.tau_floor,
            first=starts(wanted.network, wanted.first),
            workers=wanted.workers,
            run_key=digest_code(),
            checkpoints=study / "checkpoints",
        )
    write_study(report, wanted.network, tuned, step=step_name(wanted))


def ladder(wanted: TuneParams) -> list[Rung]:
    """The rungs of a trial, the full cost last."""
    return [*(Rung(**rung.model_dump()) for rung in wanted.ladder), FULL]


def step_name(wanted: TuneParams) -> str:
    """What a step of a trial is."""
    return "folds" if wanted.folds > 1 else "rungs" if wanted.ladder else "epochs"


if __name__ == "__main__":
    run(main, FeatureError, ModelError)
