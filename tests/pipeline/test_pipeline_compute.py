"""Jobs on a real Ray cluster of two nodes on this machine: the same results, work on both."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest

from features.columns import Column
from features.selection.bake_off import bake_off
from pipeline.compute import engine
from pipeline.errors import ParamsError
from pipeline.params import ComputeParams
from tests.repository import free_port

LOCAL = ComputeParams(engine="local", address="auto")


def start(folder: Path, *words: str) -> "subprocess.Popen[bytes]":
    """A node of one core that lives until its process is ended."""
    ray = [str(Path(sys.executable).with_name("ray")), "start", "--block", "--disable-usage-stats"]
    room = ["--num-cpus", "1", "--object-store-memory", "100000000", "--include-log-monitor", "False"]
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            [*ray, *room, *words], stdout=log, stderr=log, env=os.environ | {"RAY_USAGE_STATS_ENABLED": "0"}
        )


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComputeParams]:
    folder, port = tmp_path_factory.mktemp("ray"), free_port()
    address = f"127.0.0.1:{port}"
    head = ["--head", "--port", str(port), "--node-ip-address", "127.0.0.1", "--include-dashboard", "False"]
    nodes = [start(folder, *head)]
    try:
        _wait_for(folder, nodes[0], "Ray runtime started")
        nodes.append(start(folder, "--address", address))
        _wait_for(folder, nodes[1], "Ray runtime started", times=2)
        yield ComputeParams(engine="ray", address=address)
    finally:
        for node in reversed(nodes):
            node.send_signal(signal.SIGTERM)
            node.wait(60)


def _wait_for(folder: Path, node: "subprocess.Popen[bytes]", words: str, times: int = 1) -> None:
    for _ in range(900):
        told = (folder / "log").read_text()
        if len(re.findall(words, told)) >= times:
            return
        assert node.poll() is None, told[-2000:]
        time.sleep(0.1)
    raise AssertionError(f"a node of Ray did not start in 90 s: {(folder / 'log').read_text()[-2000:]}")


def where(_: int) -> str:
    import ray

    time.sleep(0.25)
    return str(ray.get_runtime_context().get_node_id())


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_bake_off_on_two_nodes_is_the_one_of_this_machine(cluster: ComputeParams) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(120, 6)), columns=list("abcdef"))
    y = pd.Series(frame["a"] + frame["b"] * 0.5 + rng.normal(0, 0.1, 120), name="y")
    columns = [Column(name, "number") for name in frame]
    asked = {"methods": ["pearson", "lasso"], "sizes": [2, 4], "folds": 3, "seed": 0, "progress": False}
    with engine(LOCAL):
        here = bake_off(frame, columns, y, **asked)
    with engine(cluster):
        there = bake_off(frame, columns, y, **asked)
        # So many that the second node's process has begun before the first node's has done them all.
        nodes = joblib.Parallel(batch_size=1)(joblib.delayed(where)(job) for job in range(60))
    assert len(set(nodes)) == 2, "both nodes worked"
    assert there.winner() == here.winner()
    figures = [name for name in here.scores.columns if name != "seconds"]
    pd.testing.assert_frame_equal(there.scores[figures], here.scores[figures])


def test_no_cluster_is_one_line_and_ray_reports_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_USAGE_STATS_ENABLED", raising=False)
    nobody = ComputeParams(engine="ray", address=f"127.0.0.1:{free_port()}")
    says = r"no Ray cluster answers at .*: start one with `ray start --head"
    with pytest.raises(ParamsError, match=says) as raised, engine(nobody):
        pass
    assert "\n" not in str(raised.value)
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
