"""The Open Inference Protocol V2 line by line, by plain HTTP."""

import gzip
import json
import struct
import zlib

import numpy as np
import pytest
import requests

FLOATS = np.array([[1, 2, 3]], np.float32)
WORD = struct.pack("<I", 5) + b"h\xc3\xa9\xc3\xa9"


def get(service, path):
    return requests.get(f"{service.url}{path}", timeout=30)


def ask(service, model, document, tail=b"", **headers):
    """An inference request of JSON, with raw tensors after it where `tail` is given."""
    head = json.dumps(document).encode()
    if tail:
        headers["Inference-Header-Content-Length"] = str(len(head))
    return requests.post(
        f"{service.url}/v2/models/{model}/infer", data=head + tail, headers=headers, timeout=30
    )


def numbers(**changes):
    entry = {"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]} | changes
    return {"inputs": [{key: value for key, value in entry.items() if value is not ...}]}


def parts(response):
    """The JSON of a binary answer, and the bytes after it."""
    size = int(response.headers["inference-header-content-length"])
    return json.loads(response.content[:size]), response.content[size:]


@pytest.mark.parametrize(("path", "said"), [("live", {"live": True}), ("ready", {"ready": True})])
def test_health(service, path, said):
    response = get(service, f"/v2/health/{path}")
    assert (response.status_code, response.json()) == (200, said)


def test_server_metadata(service):
    server = get(service, "/v2").json()
    assert server.keys() == {"name", "version", "extensions"}
    assert set(server["extensions"]) == {"binary_tensor_data", "model_repository"}


@pytest.mark.parametrize("path", ["/v2/models/price", "/v2/models/price/versions/1"])
def test_model_metadata(service, path):
    model = get(service, path).json()
    assert model["name"] == "price"
    assert model["platform"] == "onnx_onnxv1"
    assert model["versions"] == ["1", "2"]
    assert model["inputs"][0] == {"name": "area", "datatype": "FP32", "shape": [-1, 1]}
    assert model["outputs"] == [{"name": "price", "datatype": "FP32", "shape": [-1, 1]}]
    assert get(service, f"{path}/ready").json() == {"name": "price", "ready": True}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2/models/nobody", 404),
        ("GET", "/v2/models/nobody/ready", 404),
        ("GET", "/v2/models/price/versions/7", 404),
        ("GET", "/v2/models/price/versions/7/ready", 404),
        ("GET", "/v2/nothing", 404),
        ("POST", "/v2/models/nobody/infer", 404),
        ("POST", "/v2/models/price/versions/x/infer", 404),
        ("POST", "/v2/models/price/infer", 400),
        ("GET", "/v2/models/price/infer", 405),
        ("POST", "/v2", 405),
        ("POST", "/v2/repository/models/price/load", 403),
        ("POST", "/v2/repository/models/price/unload", 403),
    ],
)
def test_every_error_is_an_error_body(service, method, path, status):
    response = requests.request(method, f"{service.url}{path}", timeout=30)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    assert response.json().keys() == {"error"}
    assert isinstance(response.json()["error"], str)


def test_an_answer_names_model_version_id_and_outputs(service):
    answer = ask(service, "numbers", numbers() | {"id": "a 1"}).json()
    assert answer == {
        "model_name": "numbers",
        "model_version": "1",
        "id": "a 1",
        "outputs": [{"name": "x_out", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]}],
    }
    assert "id" not in ask(service, "numbers", numbers()).json()


@pytest.mark.parametrize("data", [[1, 2, 3, 4, 5, 6], [[1, 2, 3], [4, 5, 6]]])
def test_data_is_flat_or_nested_and_holds_the_whole_batch(service, data):
    answer = ask(service, "numbers", numbers(shape=[2, 3], data=data)).json()
    assert answer["outputs"][0] | {"datatype": "FP32"} == {
        "name": "x_out",
        "shape": [2, 3],
        "datatype": "FP32",
        "data": [1, 2, 3, 4, 5, 6],
    }


def test_without_outputs_all_are_answered_and_else_those_asked_for_in_order(service):
    entry = {"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [4]}
    every = ask(service, "ranged", {"inputs": [entry]}).json()["outputs"]
    assert [each["name"] for each in every] == ["cost", "cost_low", "cost_high"]
    wanted = [{"name": "cost_high"}, {"name": "cost"}]
    some = ask(service, "ranged", {"inputs": [entry], "outputs": wanted}).json()["outputs"]
    assert [(each["name"], each["data"]) for each in some] == [("cost_high", [8]), ("cost", [4])]


@pytest.mark.parametrize("wrong", ["fp32", "FP64", "Fp32"])
def test_texts_are_case_sensitive(service, wrong):
    assert ask(service, "numbers", numbers(datatype=wrong)).status_code == 400
    assert ask(service, "numbers", numbers(name="X")).status_code == 400
    assert ask(service, "Numbers", numbers()).status_code == 404


@pytest.mark.parametrize("content_type", [None, "application/json", "application/octet-stream", "text/plain"])
def test_json_is_read_whatever_its_content_type_says(service, content_type):
    headers = {"Content-Type": content_type} if content_type else {}
    assert ask(service, "numbers", numbers(), **headers).json()["outputs"][0]["data"] == [1, 2, 3]


def test_raw_tensors_are_little_endian_row_major_in_the_order_of_the_inputs(service):
    values = {"area": ("FP32", struct.pack("<f", 10)), "rooms": ("INT64", struct.pack("<q", 2))}
    inputs = [
        {"name": name, "shape": [1, 1], "datatype": kind, "parameters": {"binary_data_size": len(raw)}}
        for name, (kind, raw) in values.items()
    ]
    inputs.insert(1, {"name": "quality", "shape": [1, 1], "datatype": "BYTES", "data": ["Good"]})
    tail = b"".join(raw for _, raw in values.values())
    assert ask(service, "price", {"inputs": inputs}, tail).json()["outputs"][0]["data"] == [10020]
    inputs.reverse()
    tail = b"".join(raw for _, raw in reversed(values.values()))
    assert ask(service, "price", {"inputs": inputs}, tail).json()["outputs"][0]["data"] == [10020]


def test_binary_outputs_by_request_and_by_output(service):
    whole = numbers() | {"parameters": {"binary_data_output": True}}
    response = ask(service, "numbers", whole)
    head, tail = parts(response)
    assert response.headers["content-type"] == "application/octet-stream"
    assert int(response.headers["content-length"]) == len(response.content)
    assert head["outputs"][0]["parameters"] == {"binary_data_size": 12}
    assert "data" not in head["outputs"][0]
    assert tail == FLOATS.tobytes()
    own = [{"name": "x_out", "parameters": {"binary_data": False}}]
    assert ask(service, "numbers", whole | {"outputs": own}).json()["outputs"][0]["data"] == [1, 2, 3]
    own = [{"name": "x_out", "parameters": {"binary_data": True}}]
    assert parts(ask(service, "numbers", numbers() | {"outputs": own}))[1] == FLOATS.tobytes()


def test_texts_and_flags_in_raw_bytes(service):
    entry = {"name": "text", "shape": [1, 1], "datatype": "BYTES", "parameters": {"binary_data_size": 9}}
    asked = {"inputs": [entry], "parameters": {"binary_data_output": True}}
    assert parts(ask(service, "words", asked, WORD))[1] == WORD


@pytest.mark.parametrize(
    ("model", "raw", "answered"),
    [("numbers", FLOATS.tobytes(), FLOATS.tobytes()), ("words", "héé".encode(), WORD)],
)
def test_a_body_that_is_one_raw_tensor(service, model, raw, answered):
    head, tail = parts(service.infer(model, raw, json_size=0))
    assert head["outputs"][0]["shape"][0] == 1
    assert tail == answered


@pytest.mark.parametrize(("coding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_bodies_may_be_packed(service, coding, pack):
    url, body = f"{service.url}/v2/models/numbers/infer", pack(json.dumps(numbers()).encode())
    response = requests.post(url, data=body, headers={"Content-Encoding": coding}, timeout=30)
    assert response.json()["outputs"][0]["data"] == [1, 2, 3]


@pytest.mark.parametrize("body", [b"", b"{}", b'{"ready": true}'])
def test_the_index_takes_an_empty_body(service, body):
    found = requests.post(f"{service.url}/v2/repository/index", data=body, timeout=30).json()
    assert {"name": "price", "version": "2", "state": "READY", "reason": ""} in found


def test_load_and_unload_take_an_empty_body_and_no_files(models_folder, starting):
    running = starting(models_folder, control=True)
    url = f"{running.url}/v2/repository/models/words"
    assert requests.post(f"{url}/unload", timeout=30).status_code == 200
    assert get(running, "/v2/models/words/ready").status_code == 404
    assert get(running, "/v2/models/numbers/ready").status_code == 200
    files = {"parameters": {"config": "{}", "file:1/model.onnx": "AAAA"}}
    response = requests.post(f"{url}/load", json=files, timeout=30)
    assert (response.status_code, response.json().keys()) == (415, {"error"})
    assert requests.post(f"{url}/load", timeout=30).status_code == 200
    assert get(running, "/v2/models/words/ready").json() == {"name": "words", "ready": True}
