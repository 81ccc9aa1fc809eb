"""What a study's trials tell beside their best: which parameters mattered, and who worked when."""

from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from models.tuning.worker import FINISHED

MIN_TRIALS = 8
"""Fewer complete trials say nothing of importance."""


def importances(study: Study, *, seed: int = 0) -> dict[str, float]:
    """Shares of the first objective's variance by parameter, the largest first (fANOVA, Hutter et al. 2014).

    Empty where fewer than 8 trials are complete, their values do not differ, or they share but one parameter.
    """
    trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    shared = set.intersection(*(set(trial.params) for trial in trials)) if trials else set()
    values = [_first(trial) for trial in trials]
    if len(trials) < MIN_TRIALS or len(shared) < 2 or np.ptp(values) == 0:
        return {}
    found = get_param_importances(
        study, evaluator=FanovaImportanceEvaluator(seed=seed), params=sorted(shared), target=_first
    )
    return {name: float(share) for name, share in found.items()}


def _first(trial: FrozenTrial) -> float:
    return float(trial.values[0])  # noqa: PD011  a trial is no table


def timeline(study: Study) -> pd.DataFrame:
    """Stretches of work: trial ``number``, ``worker``, ``begin`` and ``end`` in seconds, and its ``state``.

    A trial that a killed worker left has a stretch for each that took it; one ends where the next begins.
    """
    rows: list[dict[str, Any]] = []
    for trial in study.get_trials(deepcopy=False, states=FINISHED):
        taken = trial.user_attrs.get("workers", [])
        ends = [time for _, time in taken[1:]] + [trial.datetime_complete.isoformat()]  # type: ignore[union-attr]
        for place, ((worker, begin), end) in enumerate(zip(taken, ends, strict=True)):
            state = trial.state.name.lower() if place == len(taken) - 1 else "left"
            rows.append(
                {"number": trial.number, "worker": worker, "begin": begin, "end": end, "state": state}
            )
    if not rows:
        return pd.DataFrame(columns=["number", "worker", "begin", "end", "state"])
    zero = min(datetime.fromisoformat(row["begin"]) for row in rows)
    for row in rows:
        for side in ("begin", "end"):
            row[side] = (datetime.fromisoformat(row[side]) - zero).total_seconds()
    return pd.DataFrame(rows)


def log_parameters(study: Study) -> set[str]:
    """Name the parameters that were drawn on a log scale."""
    return {
        name
        for trial in study.get_trials(deepcopy=False, states=FINISHED)
        for name, distribution in trial.distributions.items()
        if getattr(distribution, "log", False)
    }
