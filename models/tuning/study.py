"""A study: Optuna trials that a kill at any moment does not change.

A trial that was running when the process died runs again under its own number, with the parameters it
had drawn; it reports the same values, is pruned at the same step, and the study ends as it would have.
This asks of the objective that it be a function of the trial's parameters and number.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import optuna
from optuna.trial import FrozenTrial, Trial, TrialState
from tqdm import tqdm

from models.errors import StudyError, TrainingError
from models.tuning.journal import open_journal
from models.tuning.pruners import pruner as make_pruner
from models.tuning.sampler import RepeatableTPE

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)

Report = Callable[[int, float], None]
"""Called with a step from 0 and a value; raises optuna.TrialPruned when the trial is to stop."""

Objective = Callable[[Trial, Report], float]


@dataclass(frozen=True)
class StudyResult:
    """The best trial's parameters and value, and every finished trial in order.

    A row of ``trials`` holds number, state ("complete", "pruned" or "failed"), value (the last reported one
    of a pruned trial, None of a failed one), steps, best (so far, of complete trials) and ``param_*``.
    """

    best_params: dict[str, Any]
    best_value: float
    trials: list[dict[str, Any]]


def run_study(
    objective: Objective,
    *,
    name: str,
    storage_path: Path,
    trials: int,
    seed: int,
    direction: Literal["minimize", "maximize"] = "minimize",
    pruner: str = "median",
    startup_trials: int = 8,
    warm_up_steps: int = 4,
    patience: int | None = None,
    first: Sequence[Mapping[str, Any]] = (),
    progress: bool = True,
) -> StudyResult:
    """Run, or go on with, the study ``name`` in the journal ``storage_path`` until ``trials`` are finished.

    ``name`` should carry a digest of search space, data and seed: another name is another study in the same
    file. ``startup_trials`` are drawn at random and never pruned, ``warm_up_steps`` of each trial neither.
    ``patience`` is how many finished trials without a better one end the study. ``first`` are parameters
    to try before any are drawn. A TrainingError (a diverged run) fails its trial, which counts; any other
    error ends the run and leaves its trial to be run again. Raises StudyError when no trial completes.
    """
    if trials < 1:
        raise StudyError(f"expected at least 1 trial, got {trials}")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        study_name=name,
        storage=open_journal(storage_path),
        sampler=RepeatableTPE(seed, startup_trials),
        pruner=make_pruner(pruner, startup_trials=startup_trials, warm_up_steps=warm_up_steps),
        direction=direction,
        load_if_exists=True,
    )
    for params in first:
        study.enqueue_trial(dict(params), skip_if_exists=True)
    with tqdm(total=trials, unit="trial", desc="tune", disable=not progress) as bar:
        while True:
            rows = finished_trials(study)
            bar.n = len(rows)
            bar.set_postfix_str(f"best {rows[-1]['best']:.4f}" if rows else "")
            if len(rows) >= trials or _patience_is_out(rows, patience):
                break
            _run_one(study, objective)
    return _result(study)


def _run_one(study: optuna.Study, objective: Objective) -> None:
    """Run the trial that a kill left running, or else the next one."""
    left = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    trial = Trial(study, left[0]._trial_id) if left else study.ask()
    known = set(left[0].intermediate_values) if left else set()

    def report(step: int, value: float) -> None:
        if step not in known:  # a step reported before the kill stands already
            trial.report(value, step)
        if trial.should_prune():
            raise optuna.TrialPruned

    try:
        value = objective(trial, report)
    except optuna.TrialPruned:
        study.tell(trial, state=TrialState.PRUNED)
    except TrainingError as error:
        trial.set_user_attr("failed", str(error))
        study.tell(trial, state=TrialState.FAIL)
    else:
        study.tell(trial, value)


def finished_trials(study: optuna.Study) -> list[dict[str, Any]]:
    """Return the rows of ``StudyResult.trials``."""
    better = min if study.direction == optuna.study.StudyDirection.MINIMIZE else max
    best = math.nan
    rows = []
    for trial in study.get_trials(deepcopy=False, states=FINISHED):
        if trial.state == TrialState.COMPLETE and trial.value is not None:
            best = trial.value if math.isnan(best) else better(best, trial.value)
        rows.append(
            {**_row(trial), "best": best, **{f"param_{key}": trial.params[key] for key in trial.params}}
        )
    return rows


def _row(trial: FrozenTrial) -> dict[str, Any]:
    states = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}
    steps = len(trial.intermediate_values)
    return {"number": trial.number, "state": states[trial.state], "value": trial.value, "steps": steps}


def _patience_is_out(rows: Sequence[Mapping[str, Any]], patience: int | None) -> bool:
    """Say whether the best value is ``patience`` finished trials old."""
    if patience is None or len(rows) <= patience:
        return False
    return bool(rows[-1]["best"] == rows[-1 - patience]["best"])


def _result(study: optuna.Study) -> StudyResult:
    rows = finished_trials(study)
    if not any(row["state"] == "complete" for row in rows):
        reasons = [trial.user_attrs.get("failed", "") for trial in study.get_trials(deepcopy=False)]
        raise StudyError(
            f"expected a trial that completes, got {len(rows)} that failed or were pruned ({reasons[0]}); "
            "narrow the search space or lower lr"
        )
    best = study.best_trial
    assert best.value is not None
    return StudyResult(dict(best.params), best.value, rows)
