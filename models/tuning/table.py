"""The study of a table network: what a trial is, and the entries that the best one found."""

import hashlib
import inspect
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optuna.trial import FixedTrial, Trial

from models.catalog import entry
from models.table import Rows, digest_rows, fit_network
from models.tuning.study import Report, StudyResult, run_study


@dataclass(frozen=True)
class TunedNetwork:
    """The best entries (``network`` and ``training``, as ``fit_network`` takes them) and the study."""

    params: dict[str, dict[str, Any]]
    study: StudyResult


def tune_network(
    train: Rows,
    validation: Rows,
    *,
    network: str,
    storage_path: Path,
    trials: int,
    epochs: int,
    patience: int | None,
    seed: int,
    threads: int,
    pruner: str = "median",
    startup_trials: int = 8,
    warm_up_epochs: int = 4,
    study_patience: int | None = None,
    run_key: str = "",
    progress: bool = True,
) -> TunedNetwork:
    """Search ``network``'s space for the least validation RMSLE of its best epoch.

    Each trial trains at most ``epochs``, ends after ``patience`` epochs without a better one, and is pruned
    by ``pruner`` after ``warm_up_epochs``. All trials share ``seed``. The study's name holds a digest of
    data, space and every setting but ``trials``, so that more trials go on with the same study and any
    other change starts a fresh one in the journal ``storage_path``. ``run_key`` adds the caller's part.
    """
    chosen = entry(network)
    settings = [network, epochs, patience, seed, threads, pruner, startup_trials, warm_up_epochs, run_key]
    text = json.dumps(settings) + digest_rows(train, validation) + inspect.getsource(chosen.search_space)

    def objective(trial: Trial, report: Report) -> float:
        def on_epoch(epoch: int, metrics: dict[str, float]) -> None:
            report(epoch, metrics["rmsle"])

        _, history = fit_network(
            train, validation, network=network, params=chosen.search_space(trial), epochs=epochs,
            patience=patience, seed=seed, threads=threads, on_epoch=on_epoch, progress=False,
        )  # fmt: skip
        return history.best["rmsle"]

    study = run_study(
        objective,
        name=f"{network}-{hashlib.sha256(text.encode()).hexdigest()[:16]}",
        storage_path=storage_path,
        trials=trials,
        seed=seed,
        pruner=pruner,
        startup_trials=startup_trials,
        warm_up_steps=warm_up_epochs,
        patience=study_patience,
        progress=progress,
    )
    best = FixedTrial(study.best_params)
    return TunedNetwork(chosen.search_space(best), study)
