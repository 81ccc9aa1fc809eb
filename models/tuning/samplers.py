"""Samplers by name, without memory: a suggestion depends on the seed, the trial's number and other trials."""

import copy
import hashlib
import warnings
from collections.abc import Callable, Container
from functools import partial
from typing import Any, cast

from optuna.distributions import BaseDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, CmaEsSampler, GPSampler, RandomSampler, TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from models.errors import StudyError

Make = Callable[[int], BaseSampler]
"""Makes a sampler from a seed."""


class Repeatable(BaseSampler):
    """A fresh sampler for each draw: ``joint`` draws the parameters of a trial together, ``each`` the others.

    A study that is killed and run again draws what it would have drawn, however far the trial had come:
    Optuna's own samplers go on with one generator, whose state is lost with the process. With
    ``pruned_end`` a joint sampler learns from pruned trials as if they had ended with their last value:
    those of Optuna's that pass them over would draw the same point again.
    """

    def __init__(self, seed: int, *, each: Make, joint: Make | None = None, pruned_end: bool = False) -> None:
        self.seed, self._each, self._joint, self._pruned_end = seed, each, joint, pruned_end

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return what is drawn jointly."""
        if self._joint is None:
            return {}
        return self._joint(self.seed).infer_relative_search_space(self._seen(study), trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Draw parameters jointly."""
        if self._joint is None:
            return {}
        joint = self._joint(self._seed(trial, ""))
        return joint.sample_relative(self._seen(study), trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Draw one parameter."""
        sampler = self._each(self._seed(trial, param_name))
        return sampler.sample_independent(study, trial, param_name, param_distribution)

    def _seen(self, study: Study) -> Study:
        return cast("Study", _WithPruned(study)) if self._pruned_end else study

    def _seed(self, trial: FrozenTrial, name: str) -> int:
        text = f"{self.seed}/{trial.number}/{name}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])


class _WithPruned:
    """A study whose pruned trials are complete ones."""

    def __init__(self, study: Study) -> None:
        self._study = study

    def __getattr__(self, name: str) -> Any:
        return getattr(self._study, name)

    def _get_trials(
        self, deepcopy: bool = True, states: Container[TrialState] | None = None, use_cache: bool = False
    ) -> list[FrozenTrial]:
        trials = self._study._get_trials(deepcopy=deepcopy, use_cache=use_cache)
        seen = [_completed(trial) for trial in trials]
        return [trial for trial in seen if states is None or trial.state in states]

    def get_trials(
        self, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        return self._get_trials(deepcopy, states)


def _completed(trial: FrozenTrial) -> FrozenTrial:
    if trial.state != TrialState.PRUNED or trial.last_step is None:
        return trial
    seen = copy.copy(trial)
    seen.state, seen.value = TrialState.COMPLETE, trial.intermediate_values[trial.last_step]
    return seen


def _tpe(startup_trials: int, seed: int) -> BaseSampler:
    return TPESampler(seed=seed, n_startup_trials=startup_trials, constant_liar=False)


def _joint_tpe(startup_trials: int, seed: int) -> BaseSampler:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return TPESampler(seed=seed, n_startup_trials=startup_trials, multivariate=True)


def _gp(startup_trials: int, seed: int) -> BaseSampler:
    return GPSampler(seed=seed, n_startup_trials=startup_trials, warn_independent_sampling=False)


def _cmaes(startup_trials: int, seed: int) -> BaseSampler:
    return CmaEsSampler(seed=seed, n_startup_trials=startup_trials, warn_independent_sampling=False)


def _random(seed: int) -> BaseSampler:
    return RandomSampler(seed=seed)


SAMPLERS: dict[str, Callable[[int, int], BaseSampler]] = {
    "random": lambda seed, _: Repeatable(seed, each=_random),
    # Bergstra et al. (2011), NeurIPS 24; jointly as in Falkner et al. (2018), BOHB, arXiv 1807.01774
    "tpe": lambda seed, startup: Repeatable(
        seed, each=partial(_tpe, startup), joint=partial(_joint_tpe, startup)
    ),
    "gp": lambda seed, startup: Repeatable(seed, each=_random, joint=partial(_gp, startup), pruned_end=True),
    # CMA-ES knows no categories: those are TPE's.
    "cmaes": lambda seed, startup: Repeatable(
        seed, each=partial(_tpe, startup), joint=partial(_cmaes, startup), pruned_end=True
    ),
}


def sampler(name: str, *, seed: int, startup_trials: int) -> BaseSampler:
    """Make a sampler: the first ``startup_trials`` are drawn at random."""
    if name not in SAMPLERS:
        raise StudyError(f"expected a sampler among {', '.join(sorted(SAMPLERS))}, got {name!r}")
    return SAMPLERS[name](seed, startup_trials)
