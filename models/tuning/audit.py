"""The fidelity audit: does the order of trials after a cheap step agree with their order at full cost?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.pruners import BasePruner
from optuna.trial import FrozenTrial, TrialState
from scipy.stats import kendalltau

RESAMPLES = 500
MIN_TRIALS = 3
"""Fewer trials have no order to speak of: their step is trusted."""


@dataclass(frozen=True)
class StepAudit:
    """Kendall's tau-b of values after ``step`` and at the end, over ``trials``, with its bootstrap interval.

    ``tau`` and its ends are None where the trials have no order; ``trusted`` says that the step may prune.
    """

    step: int
    trials: int
    tau: float | None
    low: float | None
    high: float | None
    trusted: bool


class AuditedPruner(BasePruner):
    """``inner``, save in the first ``audit`` trials and at steps whose tau over these is under ``floor``."""

    def __init__(self, inner: BasePruner, audit: int, floor: float) -> None:
        self.inner, self.audit, self.floor = inner, audit, floor

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Say whether the trial is to stop."""
        step = trial.last_step
        if step is None or trial.number < self.audit:
            return False
        tau = _tau(*_pairs(_sample(study, self.audit), step))
        trusted = tau is None or tau >= self.floor
        return trusted and bool(self.inner.prune(study, trial))


def audit_steps(
    study: optuna.Study, *, audit: int, floor: float, confidence: float = 0.95
) -> list[StepAudit]:
    """Audit every step but the last that the first ``audit`` trials reported, from step 0."""
    sample = _sample(study, audit)
    steps = sorted({step for trial in sample for step in trial.intermediate_values})[:-1]
    return [_audit(step, *_pairs(sample, step), floor, confidence) for step in steps]


def _sample(study: optuna.Study, audit: int) -> list[FrozenTrial]:
    trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return [trial for trial in trials if trial.number < audit]


def _pairs(sample: Sequence[FrozenTrial], step: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Values after the step and final values of the trials that came so far."""
    both = [
        (trial.intermediate_values[step], trial.value)
        for trial in sample
        if step in trial.intermediate_values
    ]
    early, final = np.array(both, dtype=np.float64).reshape(-1, 2).T
    return early, final


def _tau(early: NDArray[np.float64], final: NDArray[np.float64]) -> float | None:
    if len(early) < MIN_TRIALS or np.ptp(early) == 0 or np.ptp(final) == 0:
        return None
    return float(kendalltau(early, final).statistic)


def _audit(
    step: int, early: NDArray[np.float64], final: NDArray[np.float64], floor: float, confidence: float
) -> StepAudit:
    tau = _tau(early, final)
    if tau is None:
        return StepAudit(step, len(early), None, None, None, trusted=True)
    rng = np.random.default_rng(step)
    draws = (rng.integers(len(early), size=len(early)) for _ in range(RESAMPLES))
    taus = [found for draw in draws if (found := _tau(early[draw], final[draw])) is not None]
    low, high = np.quantile(taus, [(1 - confidence) / 2, (1 + confidence) / 2])
    return StepAudit(step, len(early), tau, float(low), float(high), trusted=tau >= floor)
