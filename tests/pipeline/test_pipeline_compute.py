"""Jobs on a real Ray cluster of two nodes on this machine: the same results, work on both."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from threading import Thread
from typing import Any

import joblib
import numpy as np
import optuna
import pandas as pd
import psutil
import pytest
from typer.testing import CliRunner

from features.columns import Column
from features.selection import jobs
from features.selection.bake_off import bake_off
from features.selection.boruta import Boruta
from features.selection.gini import Gini
from models.learners import step_learners
from models.refits import refit
from models.tuning.search import Search
from models.tuning.storage import open_storage
from models.tuning.study import run_study
from pipeline.cli import app
from pipeline.compute import engine
from pipeline.errors import ParamsError
from pipeline.params import ComputeParams
from tests.ray_cluster import Node, two_nodes
from tests.repository import free_port

LOCAL = ComputeParams(engine="local", address="auto")


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ComputeParams, Node]]:
    with two_nodes(tmp_path_factory.mktemp("ray")) as both:
        yield both


@pytest.fixture
def cluster(nodes: tuple[ComputeParams, Node]) -> ComputeParams:
    return nodes[0]


def where(*_: Any) -> str:
    import ray

    time.sleep(0.25)
    return str(ray.get_runtime_context().get_node_id())


def trials_of(storage: str) -> list[optuna.trial.FrozenTrial]:
    with closing(open_storage(storage)) as opened:
        return optuna.load_study(study_name="s", storage=opened.optuna).get_trials()


def table(rows: int = 120) -> tuple[pd.DataFrame, "pd.Series[float]"]:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(rows, 6)), columns=list("abcdef"))
    return frame, pd.Series(frame["a"] + frame["b"] * 0.5 + rng.normal(0, 0.1, rows), name="y")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_bake_off_on_two_nodes_is_the_one_of_this_machine(cluster: ComputeParams) -> None:
    frame, y = table()
    columns = [Column(name, "number") for name in frame]
    asked = {"methods": ["pearson", "lasso"], "sizes": [2, 4], "folds": 3, "seed": 0, "progress": False}
    with engine(LOCAL):
        here = bake_off(frame, columns, y, **asked)
    with engine(cluster):
        there = bake_off(frame, columns, y, **asked)
        nodes = joblib.Parallel(batch_size=1)(joblib.delayed(where)(job) for job in range(30))
    assert len(set(nodes)) == 2, "both nodes worked"
    assert there.winner() == here.winner()
    figures = [name for name in here.scores.columns if name != "seconds"]
    pd.testing.assert_frame_equal(there.scores[figures], here.scores[figures])


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_forests_grow_on_both_nodes_as_they_do_here(cluster: ComputeParams, monkeypatch) -> None:
    import ray

    X, y = table()

    def scores() -> list[Any]:
        return [each.fit(X, y).scores_.tolist() for each in (Gini(2, trees=6), Boruta(2, rounds=8, trees=4))]

    def processes() -> dict[str, str]:
        """Node by process, of all that there ever were."""
        known = ray._private.state.actors().values()
        return {actor["ActorID"]: actor["Address"]["NodeID"] for actor in known}

    here = scores()
    with engine(cluster):
        before = processes()
        assert scores() == here
        assert processes() == before, "a small one is not worth the way"
        monkeypatch.setattr(jobs, "FAR_CELLS", 0)
        assert Gini(2, trees=6).fit(X, y).scores_.tolist() == here[0]
        after = processes()
    assert len({after[each] for each in after.keys() - before.keys()}) == 2


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_refits_of_bagged_boosted_and_stacked_trees_are_those_of_this_machine(cluster: ComputeParams) -> None:
    X, y = (part.to_numpy() for part in table(300))
    boosted = {"n_estimators": 10, "learning_rate": 0.1, "num_leaves": 7}
    learners = step_learners(min_leaf=5, bagged_trees=5, boosted=boosted, stacked_folds=2, threads=2)
    asked = {"refits": 2, "fraction": 0.5, "seed": 0, "progress": False}
    here = refit(learners, X[:200], y[:200], X[200:], **asked)
    with engine(cluster):
        there = refit(learners, X[:200], y[:200], X[200:], **asked)
    assert {name: rows.tolist() for name, rows in there.items()} == {
        name: rows.tolist() for name, rows in here.items()
    }


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_study_on_two_nodes_survives_a_killed_worker(cluster: ComputeParams, storage, tmp_path) -> None:
    def objective(trial, report):
        trial.set_user_attr("node", where())
        x = trial.suggest_float("x", -5, 5)
        if trial.number == 3 and not (tmp_path / "killed").exists():
            (tmp_path / "killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return x**2

    search = Search("s", storage, trials=12, seed=0, startup_trials=12, pruner="none")
    with engine(cluster):
        found = run_study(objective, search, workers=2, progress=False)
    assert (tmp_path / "killed").exists()
    assert [(row["number"], row["state"]) for row in found.trials] == [(i, "complete") for i in range(12)]
    trials = trials_of(storage)
    assert len({trial.user_attrs["node"] for trial in trials}) == 2, "both nodes worked"
    assert len(trials[3].user_attrs["workers"]) > 1, "who was killed was replaced, and the trial kept"
    search = Search("s", tmp_path / "other", trials=12, seed=0, startup_trials=12, pruner="none")
    alone = run_study(lambda trial, report: trial.suggest_float("x", -5, 5) ** 2, search, progress=False)
    assert [row["param_x"] for row in found.trials] == [row["param_x"] for row in alone.trials]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_millrace_study_run_is_carried_too(cluster: ComputeParams, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    X, y = table()
    X.assign(y=np.exp(y)).to_parquet("table.parquet")
    words = "study run s --network mlp --data table.parquet --epochs 2 --trials 5 --storage j --workers 2"
    done = CliRunner().invoke(app, [*words.split(), "--ray", cluster.address])
    assert "5 trials, the best RMSLE" in done.output
    workers = {name for trial in trials_of("j") for name, _ in trial.user_attrs.get("workers", [])}
    assert workers
    assert not [name for name in workers if f"/{os.getpid()}/" in name]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_study_outlives_a_node(nodes: tuple[ComputeParams, Node], tmp_path) -> None:
    """The last of this file: the cluster has one node after it."""

    def objective(trial, report):
        time.sleep(0.3)
        (tmp_path / "begun").touch()
        return trial.suggest_float("x", -5, 5) ** 2

    def lose() -> None:
        while not (tmp_path / "begun").exists():
            time.sleep(0.05)
        for process in psutil.Process(nodes[1].pid).children(
            recursive=True
        ):  # a signal to end is waited with
            process.kill()

    search = Search("s", tmp_path / "j", trials=30, seed=0, pruner="none")
    losing = Thread(target=lose)
    losing.start()
    with engine(nodes[0]):
        found = run_study(objective, search, workers=2, progress=False)
    losing.join()
    assert [(row["number"], row["state"]) for row in found.trials] == [(i, "complete") for i in range(30)]
    takers = {name for trial in trials_of(str(tmp_path / "j")) for name, _ in trial.user_attrs["workers"]}
    assert len(takers) > 2, "who was lost was replaced"


def test_no_cluster_is_one_line_and_ray_reports_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_USAGE_STATS_ENABLED", raising=False)
    nobody = ComputeParams(engine="ray", address=f"127.0.0.1:{free_port()}")
    says = r"no Ray cluster answers at .*: start one with `ray start --head"
    with pytest.raises(ParamsError, match=says) as raised, engine(nobody):
        pass
    assert "\n" not in str(raised.value)
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
