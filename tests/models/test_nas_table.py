"""The table of a space: trained once, resumed after a kill with the same rows, read honestly when partial."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from joblib import parallel_config

from models.errors import DataError, SearchError
from models.nas.evaluate import ByTraining, FromTable
from models.nas.exhaustive import exhaust
from models.nas.lesson import moved_digits, small_pictures
from models.nas.table import pack, read
from models.nas.training import measure, train
from tests.models.few_cells import Few, small

HEADER_LINES = 2

RUN = """
import os, signal, sys
from pathlib import Path
import torch
from tests.models.few_cells import Few, small
from models.nas import exhaustive

rows_left = int(sys.argv[2])
append = exhaustive.append

def killed_after_some(path, row):
    global rows_left
    append(path, row)
    rows_left -= 1
    if not rows_left:
        os.kill(os.getpid(), signal.SIGKILL)

exhaustive.append = killed_after_some
torch.set_num_threads(1)
exhaustive.exhaust(Few(), small(), Path(sys.argv[1]), seeds=2, progress=False)
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("table") / "whole.csv"
    exhaust(Few(), small(), path, seeds=2, progress=False)
    return path


def test_every_architecture_has_a_row_a_seed(whole):
    table = read(Few(), whole)
    assert len(Few().architectures) == 3
    assert table.complete
    assert len(table.rows) == 6
    row = table.rows[Few().architectures[0], 0]
    assert len(row.validation) == 2
    assert row.parameters > 0
    assert row.multiply_adds > 0


@pytest.mark.parametrize("cut", [10, 300, 620, -7])
def test_a_torn_table_is_completed_with_the_same_rows(whole, tmp_path, cut):
    torn = tmp_path / "torn.csv"
    torn.write_bytes(whole.read_bytes()[:cut])
    exhaust(Few(), small(), torn, seeds=2, progress=False)
    assert torn.read_bytes() == whole.read_bytes()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_table_is_the_same_bytes_whatever_the_number_of_jobs(whole, tmp_path):
    for jobs in (2, 3):
        path = tmp_path / f"{jobs}.csv"
        exhaust(Few(), small(), path, seeds=2, jobs=jobs, progress=False)
        assert path.read_bytes() == whole.read_bytes()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_candidates_trained_side_by_side_score_as_one_after_the_other(tmp_path):
    space, lesson = Few(), small(epochs=3)
    one = ByTraining(space, lesson, tmp_path / "one")
    with parallel_config(backend="loky", n_jobs=2):
        two = ByTraining(space, lesson, tmp_path / "two")
        for epochs in (1, 3):
            assert two(space.architectures, epochs) == one(space.architectures, epochs)
    files = [next((tmp_path / name).glob("scores_*.jsonl")).read_text() for name in ("one", "two")]
    assert files[0] == files[1]


@pytest.mark.slow
@pytest.mark.parametrize("rows", [1, 4])
def test_a_killed_run_goes_on_to_the_same_table(whole, tmp_path, rows):
    path = tmp_path / "killed.csv"
    assert run(path, rows) == -signal.SIGKILL
    before = path.read_bytes()
    assert before == whole.read_bytes()[: len(before)]
    assert before.count(b"\n") == HEADER_LINES + rows
    assert run(path, -1) == 0
    assert path.read_bytes() == whole.read_bytes()


def run(path: Path, rows: int) -> int:
    """Train in a process of its own, killed after so many rows; returns its exit status."""
    command = [sys.executable, "-c", RUN, str(path), str(rows)]
    return subprocess.run(command, env={**os.environ, "PYTHONPATH": "."}, check=False).returncode


def test_other_terms_are_not_mixed_in(whole, tmp_path):
    path = tmp_path / "other.csv"
    path.write_bytes(whole.read_bytes())
    with pytest.raises(SearchError, match="got another; name another file"):
        exhaust(Few(), small(epochs=3), path, seeds=1, progress=False)


def test_packed_it_holds_the_same_rows_and_is_the_same_bytes(whole, tmp_path):
    pack(whole, tmp_path / "one.csv.gz")
    pack(whole, tmp_path / "two.csv.gz")
    assert (tmp_path / "one.csv.gz").read_bytes() == (tmp_path / "two.csv.gz").read_bytes()
    assert read(Few(), tmp_path / "one.csv.gz").rows == read(Few(), whole).rows
    assert read(Few(), tmp_path / "one.csv.gz").about == small().about("cells")


def test_a_partial_table_says_so_and_answers_for_what_it_has(whole, tmp_path):
    part = tmp_path / "part.csv"
    part.write_text("\n".join(whole.read_text().split("\n")[:4]) + "\n")
    table = read(Few(), part)
    assert not table.complete
    assert len(table.architectures) == 2
    assert FromTable(table, small()).candidates() == table.architectures
    absent = next(each for each in Few().architectures if each not in table.architectures)
    with pytest.raises(SearchError, match="one of the table's 2 architectures"):
        table.seen(absent, 1)


def test_the_truth_is_the_mean_over_seeds_and_a_method_sees_the_first(whole):
    table = read(Few(), whole)
    architecture = table.architectures[0]
    rows = [table.rows[architecture, seed] for seed in (0, 1)]
    assert table.true(architecture) == pytest.approx(sum(row.test for row in rows) / 2)
    assert table.seen(architecture, 1) == rows[0].validation[0]


def test_training_goes_on_where_it_stopped_and_ends_as_in_one_go(tmp_path):
    space, lesson = Few(), small(epochs=3)
    architecture = space.architectures[-1]
    whole = train(space, lesson, architecture, seed=0)[1]
    evaluate = ByTraining(space, lesson, tmp_path)
    assert [evaluate([architecture], epochs) for epochs in (1, 2, 3)] == [[score] for score in whole]
    assert evaluate.candidates() == space.architectures


def test_what_was_trained_is_not_trained_again_after_a_kill(tmp_path, monkeypatch):
    space, architecture = Few(), Few().architectures[1]
    score = ByTraining(space, small(), tmp_path)([architecture], 2)
    (file,) = tmp_path.glob("scores_*.jsonl")
    with file.open("a") as torn:
        torn.write('[["none"')
    monkeypatch.setattr("models.nas.evaluate.train", None)
    assert ByTraining(space, small(), tmp_path)([architecture], 2) == score
    assert file.read_text().endswith("]\n")


@pytest.mark.parametrize("content", [b"", b"not a table\n", b'# {"space": "mlp"}\narchitecture,seed\n'])
def test_what_is_no_table_of_the_space_is_told(tmp_path, content):
    (tmp_path / "table.csv").write_bytes(content)
    with pytest.raises(SearchError, match="table"):
        read(Few(), tmp_path / "table.csv")


def test_multiplications_are_those_of_the_paper_and_pencil():
    architecture = ("none", "conv3", "none", "none", "skip")
    row = measure(Few(), small(epochs=1), architecture, 0)
    # stem, cell and next cell at half the size and twice the channels, the 1x1 between them, the last layer.
    expected = 144 * 4 * 9 + 144 * 4 * 4 * 9 + 36 * 4 * 8 + 36 * 8 * 8 * 9 + 8 * 10
    assert row.multiply_adds == expected


def test_splits_of_digits_are_disjoint_and_repeat():
    one, two = moved_digits(train=50, validation=50, test=50), moved_digits(train=50, validation=50, test=50)
    assert (one.test["image"] == two.test["image"]).all()
    assert one.train["image"].shape == (50, 1, 12, 12)


def test_small_pictures_are_means_of_squares_and_too_few_are_told():
    data = moved_digits(train=40, validation=10, test=20)
    small_data = small_pictures(data, train=20, validation=20, test=10, size=6)
    assert small_data.train["image"].shape == (20, 1, 6, 6)
    with pytest.raises(DataError, match="expected 60 pictures"):
        small_pictures(data, train=40, validation=20, test=10, size=6)
