"""Checkpoints in the artifact store: what a killed worker left goes on in another folder, at its epoch."""

import io
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import optuna
import pytest
from optuna.artifacts.exceptions import ArtifactNotFound

from models.errors import StudyError
from models.tuning.artifacts import open_artifacts
from models.tuning.checkpoints import LAST, trial_checkpoints
from models.tuning.storage import open_storage

SCRIPT = """
import os, sys, time
from pathlib import Path

import numpy as np
import pandas as pd

from models.tuning import objective, table

storage, checkpoints, log, trials, pause = *sys.argv[1:4], int(sys.argv[4]), float(sys.argv[5])
objective.CHECKPOINT_EVERY_S = 0.0


def rows(count, seed):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"a": rng.normal(size=count), "b": rng.normal(size=count)}).astype("float32")
    return X, pd.Series(np.exp(11 + 0.5 * X["a"] - 0.2 * X["b"]))


class Logged(objective.TableObjective):
    def __call__(self, trial, report):
        def told(step, value):
            with Path(log).open("a") as lines:
                lines.write(f"{trial.number} {step} {os.getpid()}\\n")
            time.sleep(pause)
            report(step, value)

        return super().__call__(trial, told)


table.TableObjective = Logged
found = table.tune_network(
    rows(96, 0), rows(48, 1), network="mlp", name="s", storage=storage, trials=trials, epochs=8,
    patience=None, seed=0, threads=1, pruner="none", checkpoints=checkpoints, progress=False,
)
print(repr(found.study))
"""


@pytest.fixture
def store(storage, tmp_path):
    return open_artifacts(storage if "://" in storage else tmp_path / "artifacts")


class Torn(io.RawIOBase):
    """A content that ends with an error, as that of a writer who is killed."""

    def read(self, size: int = -1) -> bytes:
        raise OSError("gone")


def test_an_artifact_is_replaced_whole_or_not_at_all(store):
    store.write("an-id", io.BytesIO(b"first"))
    store.write("an-id", io.BytesIO(b"second"))
    with pytest.raises(OSError, match="gone"):
        store.write("an-id", Torn())
    with store.open_reader("an-id") as reader:
        assert reader.read() == b"second"
    store.remove("an-id")
    for ask in (store.open_reader, store.remove):
        with pytest.raises(ArtifactNotFound):
            ask("an-id")


@pytest.mark.parametrize(
    ("where", "said"),
    [("s3://bucket/x", "got s3://"), ("postgresql://nobody@127.0.0.1:1/none", "lets us in, got: connection")],
)
def test_a_place_that_will_not_do_is_told(where, said):
    with pytest.raises(StudyError, match=said):
        open_artifacts(where)


def test_each_part_of_a_trial_goes_on_from_its_last_content_and_none_is_left(storage, tmp_path):
    where = storage if "://" in storage else tmp_path / "artifacts"
    opened = open_storage(storage)
    study = optuna.create_study(storage=opened.optuna, study_name="s")
    trial = study.ask()
    with trial_checkpoints(trial, where) as kept:
        for name, contents in {"rung0": [b"done"], "rung1": [b"once", b"twice"]}.items():
            part = kept.part(name)
            for content in contents:
                beside = part.folder / "new"
                beside.write_bytes(content)
                beside.replace(part.folder / LAST)
                part.keep()
    with trial_checkpoints(trial, where) as kept:
        assert [(kept.part(f"rung{n}").folder / LAST).read_bytes() for n in (0, 1)] == [b"done", b"twice"]
        assert not (kept.part("rung2").folder / LAST).exists()
        kept.drop()
    with trial_checkpoints(trial, where) as kept:
        assert not (kept.part("rung1").folder / LAST).exists()
    opened.close()


def start(storage: str, home: Path, log: Path, trials: int, pause: float) -> "subprocess.Popen[str]":
    """A worker in a folder and with a scratch folder of its own, as on another machine."""
    (home / "scratch").mkdir(parents=True)
    (home / "script.py").write_text(SCRIPT)
    checkpoints = storage if "://" in storage else f"{storage}.checkpoints"
    return subprocess.Popen(
        [sys.executable, "script.py", storage, checkpoints, str(log), str(trials), str(pause)], cwd=home,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "TMPDIR": str(home / "scratch")},
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def steps(log: Path, process: int) -> list[tuple[int, int]]:
    """Trial and epoch, as the process told them."""
    rows = [tuple(map(int, line.split())) for line in log.read_text().splitlines()] if log.exists() else []
    return [(trial, step) for trial, step, by in rows if by == process]


@pytest.mark.slow
def test_a_killed_trial_goes_on_at_its_epoch_in_another_folder(storage, tmp_path):
    log = tmp_path / "log"
    with start(storage, tmp_path / "one", log, 2, 0.2) as first:
        end = time.time() + 120
        while (1, 3) not in steps(log, first.pid):
            assert time.time() < end
            assert first.poll() is None
            time.sleep(0.01)
        first.send_signal(signal.SIGKILL)
    done = steps(log, first.pid)[-1]
    (tmp_path / "one").rename(tmp_path / "gone")
    with start(storage, tmp_path / "two", log, 3, 0.0) as second:
        moved = second.communicate(timeout=200)[0]
    taken = [step for trial, step in steps(log, second.pid) if trial == 1]
    assert done[0] == 1
    assert done[1] - 1 <= taken[0] <= done[1], "from the last checkpoint, whose epoch is told again"
    assert taken == list(range(taken[0], 8))
    with closing(open_storage(storage)) as opened:
        trials = optuna.load_study(study_name="s", storage=opened.optuna).get_trials()
    assert [len(trial.intermediate_values) for trial in trials] == [8, 8, 8]
    whole = start(str(tmp_path / "other.log"), tmp_path / "three", tmp_path / "log3", 3, 0.0)
    assert moved == whole.communicate(timeout=200)[0], "as if it had not been killed"
    if "://" not in storage:
        assert not list(Path(f"{storage}.checkpoints").iterdir()), "a trial that has ended needs none"
