"""What a started service tells of its own work: Prometheus' page, ids of requests, logs of JSON lines."""

import json
import re
import time

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from serving import tensors
from serving.errors import TooLargeError


def samples(running) -> dict[tuple[str, ...], float]:
    """Every sample by its name and the values of its labels (model, protocol, status, version)."""
    text = requests.get(f"{running.url}/metrics", timeout=30).text
    return {
        (sample.name, *dict(sorted(sample.labels.items())).values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_answers_and_runs_are_counted_by_model_and_version(small, tmp_path, starting):
    small.write_price(tmp_path, 1)
    small.write_price(tmp_path, 2)
    (tmp_path / "price" / "2" / "model.onnx").write_bytes(b"broken")
    running = starting(tmp_path)
    for _ in range(3):
        assert running.predict("price", '[{"rooms": 2}, {"rooms": 3}]').ok
    assert running.predict("price", "{").status_code == 400
    for name in ("nope", "nope2"):
        assert running.infer(name, b"{}").status_code == 404
    time.sleep(0.1)
    counted = samples(running)
    assert counted["millrace_requests_total", "price", "http", "200", "1"] == 3
    assert counted["millrace_requests_total", "price", "http", "400", "1"] == 1
    assert counted["millrace_requests_total", "", "http", "404", ""] == 2
    assert counted["millrace_request_seconds_count", "price", "http", "1"] == 4
    assert counted["millrace_run_requests_count", "price", "1"] == 3
    assert counted["millrace_run_rows_sum", "price", "1"] == 6
    assert counted["millrace_failed_versions",] == 1


@pytest.mark.parametrize("given", ["abc-1", "", "with space", "x" * 200])
def test_every_answer_carries_an_id(service, given):
    for body, status in ((b'{"rooms": 1}', 200), (b"{", 400)):
        answer = requests.post(
            f"{service.url}/models/price/predict", data=body, headers={"X-Request-Id": given}, timeout=30
        )
        assert answer.status_code == status
        said = answer.headers["X-Request-Id"]
        assert said == "abc-1" if given == "abc-1" else re.fullmatch(r"[0-9a-f]{8}-\d+", said)


def test_logs_are_json_lines_with_the_requests_id(small, tmp_path, starting):
    small.write_price(tmp_path, 1)
    small.write_price(tmp_path, 2)
    (tmp_path / "price" / "2" / "bundle.json").unlink()
    running = starting(tmp_path, json_logs=True)
    requests.post(
        f"{running.url}/models/price/predict", json={"rooms": 1}, headers={"X-Request-Id": "a1"}, timeout=30
    )
    running.process.terminate()
    lines = [json.loads(line) for line in running.process.communicate(timeout=20)[1].splitlines()]
    (refused,) = [line for line in lines if line["level"] == "warning"]
    assert "price version 2 is not served" in refused["message"]
    (asked,) = [line for line in lines if line["logger"] == "serving.requests"]
    assert (asked["request"], asked["status"], asked["path"]) == ("a1", "200", "/models/price/predict")
    assert 0 < asked["seconds"] < 10


def test_a_text_has_a_longest_length():
    long = "x" * (tensors.MAX_TEXT_BYTES + 1)
    with pytest.raises(TooLargeError, match="value 1: 1000001 characters"):
        tensors.from_values(["", long], "BYTES", lambda at: f"value {at}")
    with pytest.raises(TooLargeError, match="here: 1000001 bytes"):
        tensors.text(memoryview(long.encode()), "here")
