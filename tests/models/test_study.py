"""Studies: pruning, patience, failures, and that a kill changes nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState, create_trial

from models.errors import StudyError, TrainingError
from models.tuning.journal import open_journal
from models.tuning.pruners import HalvingPruner, pruner
from models.tuning.search import Search
from models.tuning.study import run_study

PARABOLA = """
import sys
import time

from models.tuning.search import Search
from models.tuning.study import run_study


def objective(trial, report):
    x = trial.suggest_float("x", -5, 5)
    kind = trial.suggest_categorical("kind", ["a", "b"])
    y = trial.suggest_float("y", 1e-3, 10, log=True)
    value = 0.0
    for step in range(6):
        value = (x - 1) ** 2 + (y - 2) ** 2 + (kind == "b") + 6 - step
        report(step, value)
        time.sleep(float(sys.argv[2]))
    return value


search = Search(
    name="parabola", storage=sys.argv[1], trials=20, seed=3, startup_trials=5, warm_up_steps=2,
    pruner=sys.argv[3],
)
result = run_study(objective, search, progress=False)
print(repr(result))
"""


def parabola(trial, report):
    x = trial.suggest_float("x", -5, 5)
    for step in range(4):
        report(step, (x - 1) ** 2 + 4 - step)
    return (x - 1) ** 2


def study(path: Path, objective=parabola, first=(), **options):
    settings = {"name": "s", "trials": 12, "seed": 0, "startup_trials": 4, "warm_up_steps": 1}
    search = Search(storage=path / "study.journal", **{**settings, **options})
    return run_study(objective, search, first=first, progress=False)


def test_it_finds_the_valley_prunes_and_tells_every_trial(tmp_path):
    result = study(tmp_path, trials=25)
    assert result.best_value < 0.3
    assert result.best_params["x"] == pytest.approx(1.0, abs=0.6)
    assert [row["number"] for row in result.trials] == list(range(25))
    assert {row["state"] for row in result.trials} == {"complete", "pruned"}
    pruned = [row for row in result.trials if row["state"] == "pruned"]
    assert all(row["steps"] < 4 for row in pruned)
    assert result.trials[-1]["best"] == result.best_value


def test_the_same_seed_gives_the_same_study_and_another_another(tmp_path):
    first, second = study(tmp_path / "1"), study(tmp_path / "2")
    assert first == second
    assert study(tmp_path / "3", seed=1).trials != first.trials


def test_more_trials_go_on_with_the_same_study(tmp_path):
    short = study(tmp_path, trials=5)
    longer = study(tmp_path, trials=12)
    assert longer.trials[:5] == short.trials
    assert longer == study(tmp_path / "other", trials=12)


def test_another_name_is_another_study_in_the_same_journal(tmp_path):
    study(tmp_path, trials=3)
    assert study(tmp_path, name="t", trials=2).trials[0]["number"] == 0


def test_a_trial_that_raises_midway_is_run_again_alike(tmp_path):
    whole = study(tmp_path / "whole")
    calls = []

    def dies_once(trial, report):
        calls.append(trial.number)
        if len(calls) == 7:
            report(0, trial.suggest_float("x", -5, 5) ** 2)  # any value: what counts is that a step is known
            raise KeyboardInterrupt
        return parabola(trial, report)

    def known_step_is_kept(trial, report):
        return parabola(trial, report)

    with pytest.raises(KeyboardInterrupt):
        study(tmp_path / "cut", dies_once)
    result = study(tmp_path / "cut", known_step_is_kept)
    assert [row["param_x"] for row in result.trials] == [row["param_x"] for row in whole.trials]
    assert [row["state"] for row in result.trials[:6]] == [row["state"] for row in whole.trials[:6]]


def test_patience_ends_a_study(tmp_path):
    result = study(tmp_path, trials=200, patience=6)
    assert len(result.trials) < 200
    assert result.trials[-1]["best"] == result.trials[-7]["best"]
    assert study(tmp_path, trials=200, patience=6) == result


def test_a_diverged_trial_fails_and_counts(tmp_path):
    def diverges(trial, report):
        if trial.number == 1:
            raise TrainingError("expected a finite loss, got nan")
        return parabola(trial, report)

    result = study(tmp_path, diverges, trials=4)
    assert [row["state"] for row in result.trials].count("failed") == 1
    assert result.trials[1]["value"] is None


def test_a_study_without_a_whole_trial_says_why(tmp_path):
    def diverges(trial, report):
        raise TrainingError("expected a finite loss, got nan")

    with pytest.raises(StudyError, match=r"2 that failed .*got nan"):
        study(tmp_path, diverges, trials=2)


def test_the_first_parameters_are_the_ones_asked_for(tmp_path):
    result = study(tmp_path, trials=3, first=[{"x": 1.0}])
    assert result.trials[0]["param_x"] == 1.0
    assert study(tmp_path, trials=3, first=[{"x": 1.0}]) == result


def test_a_line_torn_by_a_kill_is_dropped(tmp_path):
    path = tmp_path / "study.journal"
    short = study(tmp_path, trials=3)
    with path.open("ab") as file:
        file.write(b'{"op_code":4,"worker_')
    longer = study(tmp_path, trials=5)
    assert longer.trials[:3] == short.trials
    assert open_journal(path).get_all_studies()


def test_the_disk_is_waited_for_at_a_trials_end_alone(tmp_path, monkeypatch):
    study(tmp_path, trials=1)
    waits, path = [], tmp_path / "study.journal"
    monkeypatch.setattr("os.fsync", lambda _: waits.append(path.read_bytes().splitlines()[-1]))
    study(tmp_path, trials=4)
    assert len(waits) == 3
    assert all(json.loads(line)["state"] == TrialState.COMPLETE.value for line in waits)


def test_halving_keeps_the_best_third():
    halving = HalvingPruner(first=2, factor=3)
    study = optuna.create_study()

    def trial(*values):
        return create_trial(
            state=optuna.trial.TrialState.PRUNED, intermediate_values=dict(enumerate(values)), value=1.0
        )

    for value in (1.0, 2.0, 3.0, 4.0, 5.0):
        study.add_trial(trial(9.0, value))
    verdicts = {value: halving.prune(study, trial(9.0, value)) for value in (0.5, 1.5, 2.5)}
    assert verdicts == {0.5: False, 1.5: False, 2.5: True}
    assert not halving.prune(study, trial(99.0))  # not a rung
    assert halving.prune(study, trial(9.0, 9.0))
    assert not halving.prune(study, trial(9.0, 0.1, 9.0))  # step 3 is between the rungs 2 and 6
    assert not halving.prune(study, trial(0.5, 9.0))  # its best epoch counts, as at its end
    by_rung = HalvingPruner(first=2, factor=3, every_step=True)
    assert by_rung.prune(study, trial(0.5, 9.0))


def test_an_unknown_pruner_lists_those_there_are():
    with pytest.raises(StudyError, match=r"halving, hyperband, median, none, wilcoxon.*'asha'"):
        pruner("asha", startup_trials=1, warm_up_steps=1)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["median", "halving"])
def test_killed_at_any_moment_it_ends_as_if_it_had_not_been(tmp_path, name):
    script = tmp_path / "script.py"
    script.write_text(PARABOLA)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}

    def command(journal, pause):
        return [sys.executable, str(script), str(tmp_path / journal), pause, name]

    kills = 0
    journal = tmp_path / "killed.journal"
    for lines in (12, 60, 130):
        process = subprocess.Popen(
            command("killed.journal", "0.01"), env=environment, stdout=subprocess.DEVNULL
        )
        while process.poll() is None and (not journal.exists() or journal.read_bytes().count(b"\n") < lines):
            time.sleep(0.003)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.wait()
    ends = [
        subprocess.run(command(path, "0"), env=environment, capture_output=True, text=True, check=True).stdout
        for path in ("killed.journal", "whole.journal")
    ]
    assert kills == 3
    assert ends[0] == ends[1]
    assert "StudyResult" in ends[0]
