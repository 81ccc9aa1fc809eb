"""One worker of a study: it claims a trial, runs it and tells the result, until the study is done.

A trial belongs to the worker that it names. Claims are made one at a time, under the storage's lock, so that
no two workers run one trial and no trial too many begins. The trial of a worker that is dead is claimed
first, with the parameters it had drawn and the steps it had told; its objective goes on from its checkpoint.
"""

import os
import platform
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import optuna
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from models.errors import TrainingError
from models.tuning.locks import Life
from models.tuning.search import Search
from models.tuning.storage import Storage

Report = Callable[[int, float], None]
"""Called with a step from 0 and a value; raises optuna.TrialPruned when the trial is to stop."""

Objective = Callable[[Trial, Report], float | Sequence[float]]

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
POLL_S = 0.05
LONGEST_POLL_S = 1.0


class LostTrialError(Exception):
    """The trial belongs to another worker now: this one seemed dead."""


@dataclass(frozen=True)
class Worker:
    """A process at work on the study; ``name`` says which, to people too."""

    search: Search
    storage: Storage
    study: Study
    name: str
    life: Life

    def claim(self) -> Trial | None:
        """Take the trial of a dead worker, or else the next one; None when there is none left to take."""
        self.life.renew()
        with self._alone():
            trials = self.study.get_trials(deepcopy=False)
            for left in trials:
                if left.state == TrialState.RUNNING and not self._works(left):
                    return self._take(Trial(self.study, left._trial_id))
            begun = sum(trial.state != TrialState.WAITING for trial in trials)
            if begun >= self.search.trials or out_of_patience(self.study, self.search.patience):
                return None
            return self._take(self.study.ask())

    def run(self, trial: Trial, objective: Objective) -> None:
        """Run a claimed trial; a TrainingError fails it, any other error leaves it to be claimed."""
        try:
            value = objective(trial, self._report(trial))
        except optuna.TrialPruned:
            self._tell(trial, state=TrialState.PRUNED)
        except TrainingError as error:
            trial.set_user_attr("failed", str(error))
            self._tell(trial, state=TrialState.FAIL)
        except LostTrialError:
            return
        else:
            self._tell(trial, value)

    def others_work(self) -> bool:
        """Say whether trials are running."""
        return bool(self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)))

    def enqueue(self, first: Sequence[Mapping[str, Any]]) -> None:
        """Put parameters at the head of the queue, once."""
        with self._alone():
            for params in first:
                self.study.enqueue_trial(dict(params), skip_if_exists=True)

    def _alone(self) -> Any:
        return self.storage.locks.alone(f"study/{self.search.name}")

    def _works(self, trial: FrozenTrial) -> bool:
        owner = owner_of(trial.user_attrs)
        return owner is not None and (owner == self.name or self.storage.locks.lives(owner))

    def _take(self, trial: Trial) -> Trial:
        before = trial.user_attrs.get("workers", [])
        trial.set_user_attr("workers", [*before, [self.name, datetime.now().isoformat()]])
        return trial

    def _report(self, trial: Trial) -> Report:
        known = dict(self.study._storage.get_trial(trial._trial_id).intermediate_values)

        def report(step: int, value: float) -> None:
            self._still_mine(trial)
            if step not in known:  # a step told before a kill stands already
                trial.report(value, step)
            if trial.should_prune():
                raise optuna.TrialPruned

        return report

    def _still_mine(self, trial: Trial) -> None:
        self.life.renew()
        if owner_of(self.study._storage.get_trial(trial._trial_id).user_attrs) != self.name:
            raise LostTrialError

    def _tell(
        self, trial: Trial, values: float | Sequence[float] | None = None, state: TrialState | None = None
    ) -> None:
        with self._alone():
            try:
                self._still_mine(trial)
            except LostTrialError:
                return
            self.study.tell(trial, values, state=state)


def owner_of(attributes: Mapping[str, Any]) -> str | None:
    """Return the name of the worker that took the trial last."""
    workers = attributes.get("workers")
    return workers[-1][0] if workers else None


@contextmanager
def worker(search: Search, storage: Storage) -> Iterator[Worker]:
    """Be a worker on ``search`` until the block ends."""
    name = f"{platform.node()}/{os.getpid()}/{uuid.uuid4().hex[:8]}"
    with storage.locks.life(name) as life:
        yield Worker(search, storage, search.open(storage), name, life)


def work(
    me: Worker, objective: Objective, *, deadline: float | None, on_trial: Callable[[Study], None]
) -> None:
    """Claim and run trials until all are finished, by whomever, or until ``deadline`` (time.time()).

    At the deadline a trial that runs is finished and none begun. ``on_trial`` is called before each claim.
    """
    pause = POLL_S
    while deadline is None or time.time() < deadline:
        on_trial(me.study)
        trial = me.claim()
        if trial is not None:
            pause = POLL_S
            me.run(trial, objective)
        elif me.others_work():  # one of them may die
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_POLL_S)
        else:
            break
    on_trial(me.study)


def out_of_patience(study: Study, patience: int | None) -> bool:
    """Say whether the best value is ``patience`` finished trials old."""
    if patience is None:
        return False
    trials = study.get_trials(deepcopy=False, states=FINISHED)
    if len(trials) <= patience:
        return False
    older, newer = best_of(study, trials[:-patience]), best_of(study, trials)
    return older is not None and older == newer


def best_of(study: Study, trials: Sequence[FrozenTrial]) -> float | None:
    """Return the best first value of the trials that completed."""
    least = study.directions[0] == optuna.study.StudyDirection.MINIMIZE
    values = [trial.values[0] for trial in trials if trial.state == TrialState.COMPLETE]
    return (min if least else max)(values) if values else None
