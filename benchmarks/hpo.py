"""Compute of our studies until they reach the best error of full-cost random search, against Optuna's own.

Compute is epochs times rows, so that it is the same on any machine. For each task and seed random search
trains `--trials` configurations at full cost; its best validation error is the target. Ours (the network's
starts, then TPE, with halving after epochs 4 and 12) and plain Optuna (TPE with the median pruner) go on
until an epoch reaches it, or have spent what random search spent. The tasks are scikit-learn's sets and the
chain's table, none of which the starts were chosen on.
`overhead_ms` is what a trial costs beside its training.
"""

import argparse
import json
import math
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import optuna
import pandas as pd
from machine import machine
from sklearn import datasets

from models.table import Rows, fit_network
from models.tuning import objective as objectives
from models.tuning.objective import TableObjective
from models.tuning.search import Search
from models.tuning.study import run_study
from models.tuning.warm_start import starts
from pipeline.study_data import read_study_data

EPOCHS, PATIENCE = 20, 8
NETWORK = "mlp"


class DoneError(Exception):
    """The target is reached, or the compute spent."""


class Meter:
    """Counts the compute of `fit_network`, and the seconds in it, until the target or the limit."""

    def __init__(self, target: float = -math.inf, limit: float = math.inf) -> None:
        self.spent, self.seconds, self.target, self.limit, self.reached = 0, 0.0, target, limit, False

    def fit(self, train: Rows, validation: Rows, **settings: Any) -> Any:
        """Train, and count each epoch."""
        told: Callable[[int, dict[str, float]], None] = settings.pop("on_epoch")

        def on_epoch(epoch: int, metrics: dict[str, float]) -> None:
            self.spent += len(train[0])
            self.reached = metrics["rmsle"] <= self.target
            if self.reached or self.spent >= self.limit:
                raise DoneError
            begun = time.perf_counter()
            try:
                told(epoch, metrics)
            finally:  # the study's part of an epoch
                self.seconds -= time.perf_counter() - begun

        begun = time.perf_counter()
        try:
            return fit_network(train, validation, on_epoch=on_epoch, **settings)
        finally:
            self.seconds += time.perf_counter() - begun


def main() -> None:
    """Print a line for each task and seed and, last, the medians as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one seed, 12 trials of random search")
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=5)
    wanted = parser.parse_args()
    trials, seeds = (12, 1) if wanted.quick else (wanted.trials, wanted.seeds)
    print(f"{trials} random trials of {EPOCHS} epochs, {seeds} seeds, {NETWORK}; {machine()}")
    rows = [compare(name, task, seed, trials) for name, task in tasks().items() for seed in range(seeds)]
    table = pd.DataFrame(rows)
    by_task = table.groupby("task")[["vs_random", "vs_tpe_median"]].median()
    print(by_task.to_string(float_format="%.2f"))
    told = {
        "compute_vs_random": round(float(by_task["vs_random"].median()), 3),
        "compute_vs_tpe_median": round(float(by_task["vs_tpe_median"].median()), 3),
        "overhead_ms": round(median(table["overhead_ms"]), 1),
        "not_reached": int((~table["reached"]).sum()),
        "runs": len(table),
    }
    print(json.dumps(told))


def compare(name: str, task: tuple[Rows, Rows], seed: int, trials: int) -> dict[str, Any]:
    """Run the three on one task and seed."""
    target, full = random_search(task, seed, trials)
    ours, overhead, reached = our_study(task, seed, target, full)
    theirs = plain_optuna(task, seed, target, full)
    row = {
        "task": name, "seed": seed, "vs_random": ours / full, "vs_tpe_median": ours / theirs,
        "overhead_ms": overhead, "reached": reached,
    }  # fmt: skip
    print(f"{name:14} seed {seed}  target {target:.4f}  " + json.dumps({k: row[k] for k in list(row)[2:]}))
    return row


def random_search(task: tuple[Rows, Rows], seed: int, trials: int) -> tuple[float, float]:
    """The best error of full-cost random search, and all its compute."""
    meter = Meter()
    with TemporaryDirectory() as folder:
        search = Search("random", Path(folder) / "j", trials, seed + 1000, sampler="random", pruner="none")
        found = run_study(_objective(task, meter), search, progress=False)
    return found.best_value, float(meter.spent)


def our_study(task: tuple[Rows, Rows], seed: int, target: float, limit: float) -> tuple[float, float, bool]:
    """Compute until the target, milliseconds a trial beside its training, and whether it was reached."""
    meter, begun_trials = Meter(target, limit), []
    train = _objective(task, meter)

    def objective(trial: optuna.Trial, report: Any) -> Any:
        begun_trials.append(trial.number)
        return train(trial, report)

    begun = time.perf_counter()
    with TemporaryDirectory() as folder, suppress(DoneError):
        search = Search("ours", Path(folder) / "j", 1000, seed, pruner="halving", startup_trials=8)
        run_study(objective, search, first=starts(NETWORK, ["all"]), progress=False)
    beside = time.perf_counter() - begun - meter.seconds
    return float(meter.spent), 1000 * beside / len(begun_trials), meter.reached


def plain_optuna(task: tuple[Rows, Rows], seed: int, target: float, limit: float) -> float:
    """Compute of Optuna's own TPE with its median pruner until the target."""
    meter = Meter(target, limit)
    train = _objective(task, meter)
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=seed), pruner=optuna.pruners.MedianPruner()
    )

    def objective(trial: optuna.Trial) -> Any:
        def report(step: int, value: float) -> None:
            trial.report(value, step)
            if trial.should_prune():
                raise optuna.TrialPruned

        return train(trial, report)

    with suppress(DoneError):
        study.optimize(objective, n_trials=1000)
    return float(meter.spent)


def _objective(task: tuple[Rows, Rows], meter: Meter) -> TableObjective:
    vars(objectives)["fit_network"] = meter.fit
    return TableObjective(*task, NETWORK, EPOCHS, PATIENCE, seed=0, threads=1)


def tasks() -> dict[str, tuple[Rows, Rows]]:
    """Training and validation rows by name."""
    found = {
        "diabetes": _task(datasets.load_diabetes(as_frame=True).frame, "target"),
        "wine": _task(datasets.load_wine(as_frame=True).frame.drop(columns="target"), "proline"),
        "cancer": _task(_cancer(), "worst area"),
    }
    if Path("data/prepared/train.parquet").exists():
        found["ames"] = read_study_data(Path("data/prepared"), Path("data/selection"), "")
    return found


def _cancer() -> pd.DataFrame:
    """The means and errors of a tumour's cells, and the area of its largest ones."""
    frame = datasets.load_breast_cancer(as_frame=True).frame.drop(columns="target")
    other = [name for name in frame if name.startswith("worst ") and name != "worst area"]
    return pd.DataFrame(frame.drop(columns=other))


def _task(frame: pd.DataFrame, target: str) -> tuple[Rows, Rows]:
    held = np.random.default_rng(0).random(len(frame)) < 0.3
    X, y = frame.drop(columns=target).astype("float32"), frame[target].astype("float64")
    return (X[~held], y[~held]), (X[held], y[held])


if __name__ == "__main__":
    main()
