"""Studies by several processes, on a journal and on a real PostgreSQL: nothing twice, nothing lost."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import optuna
import pytest

from models.errors import StudyError
from models.tuning.search import Search
from models.tuning.storage import identity, open_storage
from models.tuning.study import _join, run_study
from models.tuning.worker import owner_of, worker

SCRIPT = """
import json, os, sys, time
from pathlib import Path

from models.tuning.search import Search
from models.tuning.study import run_study

storage, folder, trials, pause = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])


def objective(trial, report):
    x = trial.suggest_float("x", -5, 5)
    checkpoint = folder / f"{trial.number}.json"
    done = json.loads(checkpoint.read_text()) if checkpoint.exists() else 0
    with (folder / "log").open("a") as log:
        log.write(f"{trial.number} {done} {os.getpid()}\\n")
    for step in range(done, 6):
        time.sleep(pause)
        report(step, (x - 1) ** 2 + 6 - step)
        checkpoint.write_text(str(step + 1))
    with (folder / "ends").open("a") as ends:
        ends.write(f"{trial.number} {os.getpid()}\\n")
    return (x - 1) ** 2


search = Search(name="s", storage=storage, trials=trials, seed=0, startup_trials=3, pruner="none")
result = run_study(objective, search, progress=False)
print(json.dumps(result.trials))
"""


def parabola(trial, report):
    x = trial.suggest_float("x", -5, 5)
    for step in range(3):
        report(step, (x - 1) ** 2 + 3 - step)
    return (x - 1) ** 2


def start(tmp_path: Path, storage: str, *, trials: int, pause: float) -> "subprocess.Popen[str]":
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    return subprocess.Popen(
        [sys.executable, str(script), storage, str(tmp_path), str(trials), str(pause)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def lines(path: Path) -> list[list[int]]:
    return [[int(word) for word in line.split()] for line in path.read_text().splitlines()]


def wait_for(condition) -> None:
    end = time.time() + 120
    while not condition():
        assert time.time() < end
        time.sleep(0.01)


@pytest.mark.slow
def test_two_workers_run_each_trial_once_and_no_more_than_asked_for(storage, tmp_path):
    both = [start(tmp_path, storage, trials=14, pause=0.01) for _ in range(2)]
    results = [json.loads(process.communicate(timeout=200)[0]) for process in both]
    assert results[0] == results[1]
    assert [row["number"] for row in results[0]] == list(range(14))
    assert {row["state"] for row in results[0]} == {"complete"}
    runs = lines(tmp_path / "log")
    assert sorted(number for number, *_ in runs) == list(range(14))
    assert set(Counter(process for *_, process in runs)) == {process.pid for process in both}


@pytest.mark.slow
def test_the_trial_of_a_killed_worker_is_taken_up_from_its_checkpoint(storage, tmp_path):
    first, second = (start(tmp_path, storage, trials=8, pause=0.25) for _ in range(2))
    mine = tmp_path / "log"

    def midway() -> bool:
        runs = lines(mine) if mine.exists() else []
        numbers = [number for number, _, process in runs if process == first.pid]
        return bool(numbers) and (tmp_path / f"{numbers[-1]}.json").exists()

    wait_for(midway)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    trials = json.loads(second.communicate(timeout=200)[0])
    runs = lines(mine)
    again = [number for number, count in Counter(number for number, *_ in runs).items() if count == 2]
    assert len(again) == 1, "one trial was being run, and that alone was run again"
    resumed = next(run for run in reversed(runs) if run[0] == again[0])
    assert resumed[1] >= 1, "it went on from its checkpoint"
    assert resumed[2] == second.pid
    assert [(row["number"], row["state"], row["steps"]) for row in trials] == [
        (number, "complete", 6) for number in range(8)
    ]
    assert sorted(number for number, _ in lines(tmp_path / "ends")) == list(range(8))


def test_a_study_is_the_same_on_either_storage(storage, tmp_path):
    settings = {"name": "s", "trials": 6, "seed": 0, "startup_trials": 3, "warm_up_steps": 1}
    here = run_study(parabola, Search(storage=storage, **settings), progress=False)
    assert here == run_study(parabola, Search(storage=tmp_path / "other", **settings), progress=False)
    assert here == run_study(parabola, Search(storage=storage, **settings), progress=False), "nothing to do"


def test_a_worker_that_lost_its_trial_drops_it(storage):
    search = Search(name="s", storage=storage, trials=1, seed=0)
    opened = open_storage(storage)
    with worker(search, opened) as slow, worker(search, opened) as quick:
        trial = slow.claim()
        assert quick.claim() is None, "its owner lives"

        def objective(trial, report):
            x = trial.suggest_float("x", 0, 1)
            quick._take(optuna.trial.Trial(quick.study, trial._trial_id))
            report(0, x)
            raise AssertionError("it went on with what is another's")

        slow.run(trial, objective)
        kept = slow.study.get_trials()[0]
        assert kept.state == optuna.trial.TrialState.RUNNING
        assert owner_of(kept.user_attrs) == quick.name
    opened.close()


@pytest.mark.slow
def test_processes_of_one_call_share_a_study(storage):
    search = Search(name="s", storage=storage, trials=6, seed=0)
    found = run_study(parabola, search, workers=2, progress=False)
    assert len(found.trials) == 6


@pytest.mark.slow
def test_a_process_that_is_killed_is_replaced(tmp_path):
    def objective(trial, report):
        x = trial.suggest_float("x", 0, 1)
        if trial.number == 2 and not (tmp_path / "killed").exists():
            (tmp_path / "killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return x

    search = Search(name="s", storage=tmp_path / "j", trials=6, seed=0)
    found = run_study(objective, search, workers=2, progress=False)
    assert (tmp_path / "killed").exists()
    assert [(row["number"], row["state"]) for row in found.trials] == [(i, "complete") for i in range(6)]


def test_a_worker_where_the_journal_is_another_or_none_does_not_begin_one(tmp_path):
    search = Search(name="s", storage=tmp_path / "here", trials=2, seed=0)
    run_study(parabola, search, progress=False)
    run_study(parabola, replace(search, storage=tmp_path / "other"), progress=False)
    begun = identity(tmp_path / "here")
    _join(parabola, search, [], None, begun)
    for elsewhere in ("other", "none"):
        with pytest.raises(StudyError, match="a folder that all machines share"):
            _join(parabola, replace(search, storage=tmp_path / elsewhere), [], None, begun)
    assert not (tmp_path / "none").exists()


def test_at_the_timeout_the_running_trial_is_finished_and_none_begun(tmp_path):
    def slow(trial, report):
        time.sleep(0.3)
        return trial.suggest_float("x", 0, 1)

    search = Search(name="s", storage=tmp_path / "j", trials=50, seed=0)
    assert len(run_study(slow, search, timeout_s=0.1, progress=False).trials) == 1
    with pytest.raises(StudyError, match="give it more time"):
        run_study(
            slow, Search(name="t", storage=tmp_path / "j", trials=5, seed=0), timeout_s=0, progress=False
        )


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("sqlite:///study.db", "SQLite is not for several processes"),
        ("mysql://host/db", "got mysql://"),
        ("postgresql://nobody@127.0.0.1:1/none", "lets us in, got: connection failed"),
    ],
)
def test_a_storage_that_will_not_do_is_told(where, said):
    with pytest.raises(StudyError, match=said):
        open_storage(where)
