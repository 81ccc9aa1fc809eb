"""Parameters to try first: the best of earlier studies in the same storage."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from optuna.study import StudyDirection
from optuna.trial import TrialState

from models.tuning.study import load_study

BEST = 3


def best_params(studies: Sequence[str], where: str | Path, *, count: int = BEST) -> list[dict[str, Any]]:
    """Return the parameters of the ``count`` best trials of each study, the best first, none twice.

    What the new search space does not know is left out there, and what it misses is drawn.
    """
    found: list[dict[str, Any]] = []
    for name in studies:
        study = load_study(name, where)
        sign = 1 if study.directions[0] == StudyDirection.MINIMIZE else -1
        trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        trials.sort(key=lambda trial: sign * trial.values[0])
        found += [trial.params for trial in trials[:count] if trial.params not in found]
    return found
