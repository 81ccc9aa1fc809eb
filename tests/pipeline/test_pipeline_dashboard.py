"""The dashboard of Optuna, started by the command and asked as a browser asks it, on both storages."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from models.tuning.search import Search
from models.tuning.study import run_study
from pipeline.dashboard import serve_dashboard
from pipeline.errors import InputError, ParamsError

MILLRACE = str(Path(sys.executable).with_name("millrace"))


@contextmanager
def dashboard(storage: str) -> Iterator[str]:
    """The running command's address; it ends by itself when interrupted."""
    words = [MILLRACE, "study", "dashboard", "--storage", storage, "--port", "0"]
    # Where the tests themselves run in the background, a process would begin with interrupts ignored.
    words = ["env", "--default-signal=INT", *words]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            found = re.search(r"http://127\.0\.0\.1:\d+", said)
            assert found, said + process.communicate(timeout=60)[1]
            yield found[0]
            process.send_signal(signal.SIGINT)
            assert process.communicate(timeout=60)[1] == ""
            assert process.returncode == 0
        finally:
            process.kill()


def parabola(trial, report):
    x = trial.suggest_float("x", -5, 5)
    for step in range(3):
        report(step, (x - 1) ** 2 + 3 - step)
    return (x - 1) ** 2


@pytest.mark.slow
def test_the_dashboard_shows_the_trials_of_a_study(storage):
    found = run_study(parabola, Search("hills", storage, trials=6, seed=0, pruner="none"), progress=False)
    with dashboard(storage) as address:
        assert "<div" in requests.get(f"{address}/dashboard/", timeout=30).text
        (study,) = requests.get(f"{address}/api/studies", timeout=30).json()["study_summaries"]
        assert study["study_name"] == "hills"
        shown = requests.get(f"{address}/api/studies/{study['study_id']}", timeout=30).json()["trials"]
        assert [trial["number"] for trial in shown] == list(range(6))
        assert {trial["state"] for trial in shown} == {"Complete"}
        assert min(trial["values"][0] for trial in shown) == found.best_value
        more = run_study(parabola, Search("hills", storage, trials=8, seed=0, pruner="none"), progress=False)
        assert len(more.trials) == 8, "the study goes on while it is looked at"


def test_what_keeps_the_dashboard_from_starting_is_told(tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"journal of a study at .*absent\.log, found none"):
        serve_dashboard(str(tmp_path / "absent.log"), port=0)
    assert not (tmp_path / "absent.log").exists()
    (tmp_path / "study.log").touch()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ParamsError, match="--port"):
            serve_dashboard(str(tmp_path / "study.log"), port=taken.getsockname()[1])
    monkeypatch.setattr("pipeline.dashboard.find_spec", lambda _: None)
    with pytest.raises(ParamsError, match=r"pip install 'millrace\[dashboard\]'"):
        serve_dashboard(str(tmp_path / "study.log"), port=0)
