"""What a trial of a table network is: its parameters trained at each rung of a ladder of costs."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
import torch
from optuna.trial import Trial

from models.catalog import entry
from models.errors import StudyError, TrainingError
from models.table import Rows, TableNetwork, fit_network, predict_network
from models.trainer import History
from models.tuning.checkpoints import Part, TrialCheckpoints, trial_checkpoints
from models.tuning.worker import Report

CHECKPOINT_EVERY_S = 5.0
"""A killed trial loses no more work than this."""

TIMINGS = 30


@dataclass(frozen=True)
class Rung:
    """Shares of the full cost: of the training rows, of the epochs, and of the network's width."""

    rows: float = 1.0
    epochs: float = 1.0
    size: float = 1.0

    @property
    def cost(self) -> float:
        """Epochs times rows, as a share of the full training's."""
        return self.rows * self.epochs


FULL = Rung()


def check_ladder(ladder: Sequence[Rung], network: str) -> None:
    """Raise StudyError unless the rungs rise to the full cost and the network has what they scale."""
    shares = [share for rung in ladder for share in (rung.rows, rung.epochs, rung.size)]
    if not ladder or ladder[-1] != FULL or not all(0 < share <= 1 for share in shares):
        raise StudyError(f"expected rungs of shares above 0 that end with 1, 1, 1, got {list(ladder)}")
    costs = [(rung.cost, rung.size) for rung in ladder]
    if costs != sorted(set(costs)):
        raise StudyError(f"expected rungs each dearer than the one before, got {list(ladder)}")
    if any(rung.size < 1 for rung in ladder) and not hasattr(entry(network).config, "width"):
        raise StudyError(f"expected a network with a width to scale by size, {network} has none")


@dataclass(frozen=True)
class TableObjective:
    """Least validation RMSLE of ``network``, trained with a trial's entries of its search space.

    With one rung the steps are epochs, with more they are rungs, and with ``folds`` above 1 they are folds of
    all rows. ``limits`` bound ``latency_ms`` (one row) or ``parameters``; a trial beyond one is not the best.
    ``objectives`` are ``rmsle`` and, to minimise with it, either of the two. ``checkpoints`` says where
    those of a trial are kept until it has ended, see ``open_artifacts``: there who takes it up goes on.
    """

    train: Rows
    validation: Rows
    network: str
    epochs: int
    patience: int | None
    seed: int
    threads: int
    ladder: tuple[Rung, ...] = (FULL,)
    folds: int = 1
    objectives: tuple[str, ...] = ("rmsle",)
    limits: Mapping[str, float] | None = None
    checkpoints: str | Path | None = None
    run_key: str = ""

    def __call__(self, trial: Trial, report: Report) -> float | tuple[float, ...]:
        """Train, rung by rung; a checkpoint is kept until the trial has ended."""
        with trial_checkpoints(trial, self.checkpoints) as kept:
            try:
                answer = self._climb(trial, report, kept)
            except (optuna.TrialPruned, TrainingError):
                kept.drop()
                raise
            kept.drop()
            return answer

    def _climb(self, trial: Trial, report: Report, kept: TrialCheckpoints) -> float | tuple[float, ...]:
        params = entry(self.network).search_space(trial)
        alone = len(self.objectives) == 1
        if self.folds > 1:
            fitted, loss = self._cross_validate(params, report if alone else None, kept)
        elif len(self.ladder) == 1:
            fitted, loss = self._fit(
                params, FULL, (self.train, self.validation), kept.part("last"), report if alone else None
            )
        else:
            for step, rung in enumerate(self.ladder):
                part = kept.part(f"rung{step}")
                fitted, loss = self._fit(params, rung, (self.train, self.validation), part)
                if alone:
                    report(step, loss)
        measured = self._measure(trial, fitted)
        values = (loss, *(measured[name] for name in self.objectives[1:]))
        return values[0] if alone else values

    def _fit(
        self,
        params: Mapping[str, Mapping[str, Any]],
        rung: Rung,
        rows: tuple[Rows, Rows],
        part: Part,
        report: Report | None = None,
    ) -> tuple[TableNetwork, float]:
        def on_epoch(epoch: int, metrics: dict[str, float]) -> None:
            if report is not None:
                report(epoch, metrics["rmsle"])
            part.keep()

        def on_resume(history: History) -> None:  # a kill may have left the last one untold
            on_epoch(len(history.epochs) - 1, history.epochs[-1])

        fitted, history = fit_network(
            nested(rows[0], rung.rows, self.seed), rows[1], network=self.network,
            params=scaled(params, rung.size), epochs=max(1, round(self.epochs * rung.epochs)),
            patience=self.patience, seed=self.seed, threads=self.threads, checkpoint_folder=part.folder,
            checkpoint_every_s=CHECKPOINT_EVERY_S, run_key=self.run_key, on_resume=on_resume,
            on_epoch=on_epoch, progress=False,
        )  # fmt: skip
        return fitted, history.best["rmsle"]

    def _cross_validate(
        self, params: Mapping[str, Mapping[str, Any]], report: Report | None, kept: TrialCheckpoints
    ) -> tuple[TableNetwork, float]:
        losses = []
        for fold, rows in enumerate(folds((self.train, self.validation), self.folds, self.seed)):
            fitted, loss = self._fit(params, FULL, rows, kept.part(f"fold{fold}"))
            losses.append(loss)
            if report is not None:
                report(fold, loss)
        return fitted, sum(losses) / len(losses)

    def _measure(self, trial: Trial, fitted: TableNetwork) -> dict[str, float]:
        limits = self.limits or {}
        measured = {name: MEASURES[name](fitted, self.train[0]) for name in {*limits, *self.objectives[1:]}}
        for name, most in limits.items():
            if name not in trial.storage.get_trial(trial._trial_id).constraints:
                trial.set_constraint(name, measured[name] - most)
        return measured


def nested(rows: Rows, share: float, seed: int) -> Rows:
    """Return the first ``share`` of the rows in the seed's order: a larger share holds a smaller."""
    X, y = rows
    if share == 1:
        return rows
    kept = np.random.default_rng(seed).permutation(len(X))[: max(2, round(len(X) * share))]
    return X.iloc[kept].reset_index(drop=True), y.iloc[kept].reset_index(drop=True)


def folds(parts: tuple[Rows, Rows], count: int, seed: int) -> list[tuple[Rows, Rows]]:
    """Split all rows into ``count`` pairs of training and held rows."""
    X = pd.concat([X for X, _ in parts], ignore_index=True)
    y = pd.concat([y for _, y in parts], ignore_index=True)
    place = np.random.default_rng(seed).permutation(len(X)) % count
    return [
        ((X[place != fold], y[place != fold]), (X[place == fold], y[place == fold])) for fold in range(count)
    ]


def scaled(params: Mapping[str, Mapping[str, Any]], size: float) -> Mapping[str, Mapping[str, Any]]:
    """Return the entries with that share of the network's width, to a multiple of 8."""
    if size == 1:
        return params
    network = dict(params["network"])
    if "width" in network:
        network["width"] = max(8, 8 * math.ceil(network["width"] * size / 8))
    return {**params, "network": network}


def latency_ms(fitted: TableNetwork, X: pd.DataFrame) -> float:
    """Median milliseconds for one row, on one thread; it differs from run to run."""
    one, seconds = X.head(1), []
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    for _ in range(TIMINGS):
        begun = time.perf_counter()
        predict_network(fitted, one)
        seconds.append(time.perf_counter() - begun)
    torch.set_num_threads(before)
    return float(np.median(seconds)) * 1000


def parameters(fitted: TableNetwork, _: pd.DataFrame) -> float:
    """Count the network's weights: a measure of latency that does not differ."""
    return float(sum(weight.numel() for weight in fitted.task.parameters()))


MEASURES = {"latency_ms": latency_ms, "parameters": parameters}
