"""Long answers are packed for who accepts it, on every way, and say the same."""

import gzip
import json

import numpy as np
import pytest
import requests
from tritonclient import http

from serving.packing import accepts_gzip
from tests.serving.conftest import MAX_ROWS

INFER = "/v2/models/numbers/infer"


def numbers(rows: int) -> bytes:
    data = np.random.default_rng(0).standard_normal(rows * 3).round(6).tolist()
    return json.dumps(
        {"inputs": [{"name": "x", "shape": [rows, 3], "datatype": "FP32", "data": data}]}
    ).encode()


def ask(service, path: str, body: bytes, accept: str) -> requests.Response:
    return requests.post(service.url + path, data=body, headers={"Accept-Encoding": accept}, timeout=30)


@pytest.mark.parametrize("path", [INFER, f"{INFER}?by=asgi", "/models/numbers/predict"])
@pytest.mark.parametrize("rows", [200, MAX_ROWS])
def test_a_long_answer_is_packed_for_who_accepts_it(service, path, rows):
    body = numbers(rows) if "infer" in path else json.dumps([{"x": [1, 2, 3]}] * rows).encode()
    packed, plain = (ask(service, path, body, accept) for accept in ("gzip, deflate", "identity"))
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["Vary"].lower() == "accept-encoding"
    assert int(packed.headers["Content-Length"]) < len(plain.content) / 2
    assert "Content-Encoding" not in plain.headers
    assert packed.content == plain.content


def test_a_short_one_and_a_picture_are_not(service):
    assert "Content-Encoding" not in ask(service, INFER, numbers(1), "gzip").headers
    answer = requests.post(
        f"{service.url}/models/noise/predict",
        json={"seed": 1},
        headers={"Accept": "image/png", "Accept-Encoding": "gzip"},
        timeout=30,
    )
    assert answer.headers["Content-Type"] == "image/png"
    assert "Content-Encoding" not in answer.headers


def test_documents_are_packed_too(service):
    for accept in ("gzip", "identity") * 2:
        page = requests.get(f"{service.url}/static/app.js", headers={"Accept-Encoding": accept}, timeout=30)
        assert page.text.strip()
    document = requests.get(f"{service.url}/openapi.json", timeout=30)
    assert document.headers["Content-Encoding"] == "gzip"
    assert document.json()["openapi"]


def test_tritons_client_reads_a_packed_binary_answer(service):
    values = np.zeros((MAX_ROWS, 3), np.float32)
    given = http.InferInput("x", list(values.shape), "FP32")
    given.set_data_from_numpy(values)
    with http.InferenceServerClient(service.address) as client:
        for algorithm in ("gzip", None):
            result = client.infer("numbers", [given], response_compression_algorithm=algorithm)
            np.testing.assert_array_equal(result.as_numpy("x_out"), values)


@pytest.mark.parametrize(
    ("header", "takes"),
    [("gzip", True), ("br, GZIP;q=0.5", True), ("*", True), ("gzip; q=0", False), ("deflate", False)],
)  # fmt: skip
def test_who_accepts_gzip(header, takes):
    assert accepts_gzip(header) is takes


def test_what_is_packed_is_the_same_each_time(service):
    first, second = (
        requests.post(
            service.url + INFER,
            data=numbers(200),
            headers={"Accept-Encoding": "gzip"},
            stream=True,
            timeout=30,
        ).raw.read()
        for _ in range(2)
    )
    assert first == second
    assert json.loads(gzip.decompress(first))["model_name"] == "numbers"
