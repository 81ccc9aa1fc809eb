"""A study: Optuna trials that a kill at any moment does not change, by one worker or many.

A trial that was running when its process died runs again under its own number, with the parameters it
had drawn; it reports the same values, and with one worker is pruned at the same step, so that the study ends
as it would have. This asks of the objective that it be a function of the trial's parameters and number.
"""

import math
import platform
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import optuna
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState
from tqdm import tqdm

from models.errors import StudyError
from models.tuning.processes import run_workers
from models.tuning.search import Search
from models.tuning.storage import absolute, identity, open_storage
from models.tuning.worker import FINISHED, Objective, Report, best_of, work, worker

__all__ = ["Objective", "Report", "StudyResult", "load_study", "run_study"]


@dataclass(frozen=True)
class StudyResult:
    """The best trial's parameters and value, and every finished trial in order.

    A row of ``trials`` holds number, state ("complete", "pruned" or "failed"), value (the last reported one
    of a pruned trial, None of a failed one), steps, best (so far, of complete trials), further objectives by
    name, and ``param_*``. With several objectives the best trial is the one with the best first value among
    those that keep all limits and that no other surpasses.
    """

    best_params: dict[str, Any]
    best_value: float
    trials: list[dict[str, Any]]


def run_study(
    objective: Objective,
    search: Search,
    *,
    first: Sequence[Mapping[str, Any]] = (),
    workers: int = 1,
    timeout_s: float | None = None,
    progress: bool = True,
) -> StudyResult:
    """Run, or go on with, ``search`` until its trials are finished or ``timeout_s`` is over.

    Further calls anywhere with the same ``search`` share its trials. ``first`` are parameters to try before
    any are drawn. ``workers`` above 1 are processes that joblib carries, see ``run_workers``; ``objective``
    is sent to them by cloudpickle, and they must reach the storage, a journal by the same path. After the
    timeout running trials are finished and none begun. A TrainingError (a diverged run) fails its trial,
    which counts; any other error ends the run and leaves its trial to be run again. Raises StudyError when
    no trial completes.
    """
    deadline = None if timeout_s is None else time.time() + timeout_s
    search = replace(search, storage=absolute(search.storage))
    if workers == 1:
        _work(objective, search, first, deadline, progress)
    else:
        with closing(open_storage(search.storage)) as storage:
            search.open(storage)
        begun = identity(search.storage)
        run_workers(_join, objective, search, first, deadline, begun, workers=workers)
    with closing(open_storage(search.storage)) as storage:
        return result(search.open(storage), search)


def _work(
    objective: Objective,
    search: Search,
    first: Sequence[Mapping[str, Any]],
    deadline: float | None,
    progress: bool,
) -> None:
    with (
        closing(open_storage(search.storage)) as storage,
        worker(search, storage) as me,
        tqdm(total=search.trials, unit="trial", desc="tune", disable=not progress) as bar,
    ):

        def show(study: Study) -> None:
            trials = study.get_trials(deepcopy=False, states=FINISHED)
            bar.n, best = len(trials), best_of(study, trials)
            bar.set_postfix_str("" if best is None else f"best {best:.4f}")

        me.enqueue(first)
        work(me, objective, deadline=deadline, on_trial=show)


def _join(
    objective: Objective,
    search: Search,
    first: Sequence[Mapping[str, Any]],
    deadline: float | None,
    begun: str,
) -> None:
    """Work in another process, maybe of another machine, on the very storage that is known as ``begun``."""
    if identity(search.storage) != begun:
        raise StudyError(
            f"expected the journal {search.storage} that the study began with, {platform.node()} has another "
            "or none there: put it into a folder that all machines share, or give --storage postgresql://..."
        )
    _work(objective, search, first, deadline, progress=False)


def load_study(name: str, where: Any) -> Study:
    """Return the study called ``name``; raises StudyError naming those that ``where`` has."""
    storage = open_storage(where).optuna
    try:
        return optuna.load_study(study_name=name, storage=storage)
    except KeyError as error:
        names = ", ".join(sorted(optuna.get_all_study_names(storage))) or "none"
        raise StudyError(f"expected a study among those in {where} ({names}), got {name!r}") from error


def finished_trials(study: Study, names: Sequence[str] = ("value",)) -> list[dict[str, Any]]:
    """Return the rows of ``StudyResult.trials``; ``names`` are those of the objectives."""
    rows, done = [], []
    for trial in study.get_trials(deepcopy=False, states=FINISHED):
        done.append(trial)
        best = best_of(study, done)
        row = {**_row(trial), "best": math.nan if best is None else best}
        more = dict(zip(names[1:], (trial.values or [])[1:], strict=False))
        rows.append({**row, **more, **{f"param_{key}": trial.params[key] for key in trial.params}})
    return rows


def _row(trial: FrozenTrial) -> dict[str, Any]:
    states = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}
    value = trial.values[0] if trial.values else None
    return {
        "number": trial.number,
        "state": states[trial.state],
        "value": value,
        "steps": len(trial.intermediate_values),
    }


def result(study: Study, search: Search) -> StudyResult:
    """Return what the study has found so far."""
    best = best_trial(study)
    return StudyResult(dict(best.params), best.values[0], finished_trials(study, list(search.objectives)))


def best_trial(study: Study) -> FrozenTrial:
    """Return the trial that ``StudyResult`` calls the best."""
    trials = study.get_trials(deepcopy=False, states=FINISHED)
    if not any(trial.state == TrialState.COMPLETE for trial in trials):
        reasons = [reason for trial in trials if (reason := trial.user_attrs.get("failed"))] or [
            "no trial ended"
        ]
        raise StudyError(
            f"expected a trial that completes, got {len(trials)} that failed or were pruned ({reasons[0]}); "
            "narrow the search space, lower lr or give it more time"
        )
    sign = 1 if study.directions[0] == optuna.study.StudyDirection.MINIMIZE else -1
    fit = [trial for trial in study.best_trials if all(excess <= 0 for excess in trial.constraints.values())]
    if not fit:
        raise StudyError("expected a trial within all limits, got none; loosen a limit or run more trials")
    return min(fit, key=lambda trial: (sign * trial.values[0], trial.number))
