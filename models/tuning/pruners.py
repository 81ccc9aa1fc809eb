"""Pruners by name; each decides from reported values alone, so that a resumed trial is judged alike."""

import hashlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import BasePruner, MedianPruner, NopPruner, WilcoxonPruner
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from models.errors import StudyError


class HalvingPruner(BasePruner):
    """Asynchronous successive halving (Li et al. 2020, https://arxiv.org/abs/1810.05934).

    At steps ``first`` * ``factor`` ** i, or from ``first`` on at ``every_step``, only trials among the best
    1 / ``factor`` of those that reached the step go on (fewer than ``factor`` of them: the best), by their
    best value so far, or at ``every_step`` by the step's own. Optuna's SuccessiveHalvingPruner keeps its
    rungs in the trial, where a kill between a rung and its verdict would let the trial through.
    """

    def __init__(self, first: int = 3, factor: int = 3, *, every_step: bool = False) -> None:
        if first < 1 or factor < 2:
            raise StudyError(f"expected first >= 1 and factor >= 2, got {first} and {factor}")
        self.first, self.factor, self.every_step = first, factor, every_step

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Say whether the trial, at its last reported step, falls behind."""
        return self.behind(study, trial, lambda _: True)

    def behind(self, study: optuna.Study, trial: FrozenTrial, rival: Callable[[FrozenTrial], bool]) -> bool:
        """Compare with the finished trials that are rivals."""
        step = trial.last_step
        if step is None or not self._is_rung(step + 1):
            return False
        sign = 1.0 if study.direction == StudyDirection.MINIMIZE else -1.0
        others = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
        values = [
            self._reached(other, step, sign)
            for other in others
            if step in other.intermediate_values and rival(other)
        ]
        own = self._reached(trial, step, sign)
        kept = max(1, (len(values) + 1) // self.factor)
        return sum(value <= own for value in values) >= kept

    def _reached(self, trial: FrozenTrial, step: int, sign: float) -> float:
        """The best value so far, or at ``every_step`` the step's: earlier ones are of a cheaper training."""
        values = trial.intermediate_values
        if self.every_step:
            return sign * values[step]
        return min(sign * value for at, value in values.items() if at <= step)

    def _is_rung(self, epochs: int) -> bool:
        if self.every_step:
            return epochs >= self.first
        rung = self.first
        while rung < epochs:
            rung *= self.factor
        return rung == epochs


class HyperbandPruner(BasePruner):
    """Hyperband (Li et al. 2018, JMLR 18) as brackets of successive halving; a trial's number picks its own.

    Bracket i begins to prune i rungs later than the first, so that a search space in which cheap steps
    mislead is not lost. A bracket compares its own trials alone. Brackets take turns by a hash of the number.
    """

    def __init__(
        self, first: int = 1, factor: int = 3, brackets: int = 3, *, every_step: bool = False
    ) -> None:
        self._brackets = [
            HalvingPruner(first + i if every_step else first * factor**i, factor, every_step=every_step)
            for i in range(brackets)
        ]

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Say whether the trial falls behind in its bracket."""
        place = self._place(trial.number)
        return self._brackets[place].behind(study, trial, lambda other: self._place(other.number) == place)

    def _place(self, number: int) -> int:
        return hashlib.sha256(str(number).encode()).digest()[0] % len(self._brackets)


@dataclass(frozen=True)
class _Wanted:
    startup: int
    warm_up: int
    every_step: bool


def _wilcoxon(wanted: _Wanted) -> BasePruner:
    """Compare with the best trial, fold by fold; the steps are folds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return WilcoxonPruner(p_threshold=0.1, n_startup_steps=wanted.warm_up)


PRUNERS: dict[str, Callable[[_Wanted], BasePruner]] = {
    "none": lambda _: NopPruner(),
    "median": lambda wanted: MedianPruner(n_startup_trials=wanted.startup, n_warmup_steps=wanted.warm_up),
    "halving": lambda wanted: HalvingPruner(max(wanted.warm_up, 1), every_step=wanted.every_step),
    "hyperband": lambda wanted: HyperbandPruner(max(wanted.warm_up, 1), every_step=wanted.every_step),
    "wilcoxon": _wilcoxon,
}


def pruner(name: str, *, startup_trials: int, warm_up_steps: int, every_step: bool = False) -> BasePruner:
    """Make a pruner: ``startup_trials`` end before any is pruned, ``warm_up_steps`` pass in each."""
    if name not in PRUNERS:
        raise StudyError(f"expected a pruner among {', '.join(sorted(PRUNERS))}, got {name!r}")
    return PRUNERS[name](_Wanted(startup_trials, warm_up_steps, every_step))
