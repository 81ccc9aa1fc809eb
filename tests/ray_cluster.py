"""A Ray cluster of two nodes of one core each, on this machine."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.params import ComputeParams
from tests.repository import free_port

Node = subprocess.Popen[bytes]


@contextmanager
def two_nodes(folder: Path) -> Iterator[tuple[ComputeParams, Node]]:
    """How to compute on the cluster, and its second node; the log is in `folder`."""
    port = free_port()
    address = f"127.0.0.1:{port}"
    head = ["--head", "--port", str(port), "--node-ip-address", "127.0.0.1", "--include-dashboard", "False"]
    nodes = [_start(folder, *head)]
    try:
        _wait_for(folder, nodes[0], "Ray runtime started")
        nodes.append(_start(folder, "--address", address))
        _wait_for(folder, nodes[1], "Ray runtime started", times=2)
        yield ComputeParams(engine="ray", address=address), nodes[1]
    finally:
        for node in reversed(nodes):
            node.send_signal(signal.SIGTERM)
            node.wait(60)


def _start(folder: Path, *words: str) -> Node:
    """A node that lives until its process is ended."""
    ray = [str(Path(sys.executable).with_name("ray")), "start", "--block", "--disable-usage-stats"]
    room = ["--num-cpus", "1", "--object-store-memory", "100000000", "--include-log-monitor", "False"]
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            [*ray, *room, *words], stdout=log, stderr=log, env=os.environ | {"RAY_USAGE_STATS_ENABLED": "0"}
        )


def _wait_for(folder: Path, node: Node, words: str, times: int = 1) -> None:
    for _ in range(1800):
        told = (folder / "log").read_text()
        if len(re.findall(words, told)) >= times:
            return
        assert node.poll() is None, told[-2000:]
        time.sleep(0.1)
    raise AssertionError(
        f"a node of Ray did not start in three minutes: {(folder / 'log').read_text()[-2000:]}"
    )
