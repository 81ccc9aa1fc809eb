"""The service with nothing but the packages of its own extra."""

import re
import runpy
from pathlib import Path

import pytest
import requests

from tests.serving.test_serving_run import FORBIDDEN

MOST_MIB = 260
MOST_CPU_S = 6
"""Thrice what a quiet machine takes: a busy one is no failure, an import of a training library is."""


@pytest.mark.slow
def test_the_serve_extra_alone_answers_a_graph_of_38_mb(tmp_path):
    start_up = runpy.run_path("benchmarks/start_up.py")
    packages = start_up["packages_of"]("millrace", ("serve",))
    assert not {name.lower() for name in packages} & FORBIDDEN
    assert start_up["size_mib"](packages) < MOST_MIB
    world = tmp_path / "world"
    world.mkdir()
    start_up["link_world"](world, packages, Path.cwd())
    graph = start_up["write_trees"](tmp_path / "models")
    assert 36e6 < graph.stat().st_size < 40e6
    process, greeting, took = start_up["start"](world, tmp_path / "models")
    try:
        url = re.search(r"http://127\.0\.0\.1:\d+", greeting).group()
        record = {"features": [0.5] * 80}
        answer = requests.post(f"{url}/models/trees/predict", json=record, timeout=30).json()
        assert isinstance(answer["predictions"][0]["score"], float)
        for path in ("/", "/docs", "/openapi.json", "/metrics", "/models/trees"):
            assert requests.get(f"{url}{path}", timeout=30).status_code == 200, path
    finally:
        process.terminate()
        logged = process.communicate(timeout=30)[1]
    assert "Traceback" not in logged
    assert took["ready_cpu_s"] < MOST_CPU_S
