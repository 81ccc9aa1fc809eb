"""Pruners by name; each decides from reported values alone, so that a resumed trial is judged alike."""

from collections.abc import Callable

import optuna
from optuna.pruners import BasePruner, MedianPruner, NopPruner
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from models.errors import StudyError


class HalvingPruner(BasePruner):
    """Asynchronous successive halving (Li et al. 2020, https://arxiv.org/abs/1810.05934).

    At steps ``first`` * ``factor`` ** i only trials among the best 1 / ``factor`` of those that reached
    the step go on (fewer than ``factor`` of them: the best). Optuna's SuccessiveHalvingPruner keeps its
    rungs in the trial, where a kill between a rung and its verdict would let the trial through.
    """

    def __init__(self, first: int = 3, factor: int = 3) -> None:
        if first < 1 or factor < 2:
            raise StudyError(f"expected first >= 1 and factor >= 2, got {first} and {factor}")
        self.first, self.factor = first, factor

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Say whether the trial, at its last reported step, falls behind."""
        step = trial.last_step
        if step is None or not self._is_rung(step + 1):
            return False
        sign = 1.0 if study.direction == StudyDirection.MINIMIZE else -1.0
        others = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
        values = [
            sign * other.intermediate_values[step] for other in others if step in other.intermediate_values
        ]
        own = sign * trial.intermediate_values[step]
        kept = max(1, (len(values) + 1) // self.factor)
        return sum(value <= own for value in values) >= kept

    def _is_rung(self, epochs: int) -> bool:
        rung = self.first
        while rung < epochs:
            rung *= self.factor
        return rung == epochs


PRUNERS: dict[str, Callable[[int, int], BasePruner]] = {
    "none": lambda _startup, _warm_up: NopPruner(),
    "median": lambda startup, warm_up: MedianPruner(n_startup_trials=startup, n_warmup_steps=warm_up),
    "halving": lambda _startup, warm_up: HalvingPruner(first=max(warm_up, 1)),
}


def pruner(name: str, *, startup_trials: int, warm_up_steps: int) -> BasePruner:
    """Make a pruner: ``startup_trials`` end before any is pruned, ``warm_up_steps`` pass in each."""
    if name not in PRUNERS:
        raise StudyError(f"expected a pruner among {', '.join(sorted(PRUNERS))}, got {name!r}")
    return PRUNERS[name](startup_trials, warm_up_steps)
