"""The folder of bundles under other servers: Ray Serve for real, and the layout that Triton reads."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from serving.bundle_files import BUNDLE_FILE, MODEL_FILE
from tests.ray_cluster import two_nodes
from tests.repository import free_port


@pytest.mark.slow
@pytest.mark.timeout(600)  # two nodes, a proxy each and two replicas import Ray, one after the other
def test_ray_serve_answers_from_the_same_folder(small, tmp_path):
    models = tmp_path / "models"
    small.write_price(models)
    with two_nodes(tmp_path) as (compute, _):
        port = free_port()
        command = [sys.executable, "docs/examples/ray_serve.py", str(models), "--replicas", "2"]
        process = subprocess.Popen(
            [*command, "--address", compute.address, "--port", str(port)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"PYTHONPATH": str(Path.cwd()), "RAY_USAGE_STATS_ENABLED": "0"},
        )
        try:
            said = ""
            for line in process.stdout or ():
                said += line
                if "/docs" in line:
                    break
            assert "/docs" in said, said[-3000:]
            url = f"http://127.0.0.1:{port}"
            record = {"area": 10, "rooms": 2, "quality": "Good"}
            for _ in range(4):
                answer = requests.post(f"{url}/models/price/predict", json=record, timeout=60)
                assert answer.json()["predictions"] == [{"price": small.price(10, 2, "Good")}]
            assert requests.get(f"{url}/v2/models/price", timeout=60).json()["platform"] == "onnx_onnxv1"
            response = requests.post(f"{url}/v2/models/price/infer", data=b"{", timeout=60)
            assert (response.status_code, response.json().keys()) == (400, {"error"})
        finally:
            process.terminate()
            process.communicate(timeout=60)


def test_the_folder_is_laid_out_as_triton_reads_it(models_folder):
    """NAME/VERSION/model.onnx, and no other folder or link, at the level of versions or below."""
    for model in models_folder.iterdir():
        assert re.fullmatch(r"[A-Za-z0-9_.-]+", model.name)
        for version in model.iterdir():
            assert version.is_dir()
            assert re.fullmatch(r"[1-9]\d*", version.name)
            files = {path.name for path in version.iterdir()}
            assert {MODEL_FILE, BUNDLE_FILE} <= files
            assert not {path for path in version.iterdir() if path.is_dir() or path.is_symlink()}
