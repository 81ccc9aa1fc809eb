"""The OpenAPI document is true: what fits it is answered as it says, and what does not is refused."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import requests

CONFIG = Path(__file__).with_name("schemathesis.toml")


@pytest.mark.slow
def test_schemathesis_finds_no_lie(models_folder, starting):
    running = starting(models_folder, control=True)
    command = [Path(sys.executable).with_name("schemathesis"), "--no-color", "--config-file", CONFIG]
    document = f"{running.url}/openapi.json"
    tried = subprocess.run([*command, "run", document], capture_output=True, text=True)
    assert tried.returncode == 0, tried.stdout[-8000:] + tried.stderr
    assert requests.get(f"{running.url}/v2/health/ready", timeout=30).json() == {"ready": True}


def test_the_document_knows_the_most_records_of_a_form(service):
    paths = requests.get(f"{service.url}/openapi.json", timeout=30).json()["paths"]
    body = paths["/models/noise/predict"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["oneOf"][1]["maxItems"] == 256
    assert service.predict("noise", json.dumps(257 * [{"seed": 1}])).status_code == 413


def test_a_whole_number_may_be_written_with_a_point(small, service):
    answer = service.predict("price", b'{"area": 10, "rooms": 2.0, "quality": "Good"}').json()
    assert answer["predictions"] == [{"price": small.price(10, 2, "Good", bias=2000.0)}]
