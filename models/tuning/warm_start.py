"""Parameters to try first: those a network names, and the best of earlier studies in the same storage."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from optuna.study import StudyDirection
from optuna.trial import TrialState

from models.catalog import entry
from models.errors import StudyError
from models.tuning.study import load_study

BEST = 3
ALL = "all"
"""The name for every one of a network's starts."""


def starts(network: str, wanted: Sequence[str | Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return parameters for each of ``wanted``: a name among the network's starts, ``all``, or parameters.

    Raises StudyError for a name that the network does not have.
    """
    named = entry(network).starts
    found: list[dict[str, Any]] = []
    for each in wanted:
        if not isinstance(each, str):
            found.append(dict(each))
        elif each == ALL:
            found += [dict(params) for params in named.values()]
        elif each in named:
            found.append(dict(named[each]))
        else:
            raise StudyError(
                f"expected one of {network}'s starts ({', '.join([*named, ALL])}) or parameters, got {each!r}"
            )
    return found


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
