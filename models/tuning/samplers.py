"""A sampler without memory: what it suggests depends on the seed, the trial's number and finished trials."""

import hashlib
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial


class RepeatableTPE(BaseSampler):
    """TPE (Bergstra et al. 2011) with a fresh generator for each parameter of each trial.

    A study that is killed and run again draws what it would have drawn, however far the trial had come:
    Optuna's own sampler goes on with one generator, whose state is lost with the process.
    """

    def __init__(self, seed: int, startup_trials: int) -> None:
        self.seed, self.startup_trials = seed, startup_trials

    def infer_relative_search_space(self, *_: Any) -> dict[str, BaseDistribution]:
        """Nothing is drawn jointly."""
        return {}

    def sample_relative(self, *_: Any) -> dict[str, Any]:
        """Nothing is drawn jointly."""
        return {}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Draw one parameter."""
        text = f"{self.seed}/{trial.number}/{param_name}"
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])
        tpe = TPESampler(seed=seed, n_startup_trials=self.startup_trials, constant_liar=False)
        return tpe.sample_independent(study, trial, param_name, param_distribution)
