"""Requests that are wrong, each answered with a 4xx and a text naming what is wrong, by a started service."""

import gzip
import json
import re
import struct
import zlib

import pytest
import requests

FLOATS = struct.pack("<3f", 1, 2, 3)
TEXT = struct.pack("<I", 2) + b"ok"


def numbers(**changes) -> dict:
    """A request to the model `numbers`, with changes to its input; None takes a key away."""
    tensor = {"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]} | changes
    return {"inputs": [{key: value for key, value in tensor.items() if value is not ...}]}


def body(request: object) -> bytes:
    return json.dumps(request).encode()


def binary(size: object = 12, tail: bytes = FLOATS, **changes) -> tuple[bytes, int]:
    """The same with its data after the JSON, which announces `size` bytes; body and JSON length."""
    head = body(numbers(data=..., parameters={"binary_data_size": size}, **changes))
    return head + tail, len(head)


def words(tail: bytes) -> tuple[bytes, int]:
    """A request to the model `words` with its text in binary."""
    tensor = {
        "name": "text",
        "shape": [1, 1],
        "datatype": "BYTES",
        "parameters": {"binary_data_size": len(tail)},
    }
    head = body({"inputs": [tensor]})
    return head + tail, len(head)


JSON_FAULTS = {
    "empty": (b"", "the body is empty"),
    "truncated": (body(numbers())[:-3], "not JSON: .* line 1, column"),
    "trailing comma": (b'{"inputs": [],}', "not JSON"),
    "two documents": (body(numbers()) * 2, "not JSON"),
    "bare NaN": (b'{"inputs": NaN}', "not JSON"),
    "bare Infinity": (b'{"inputs": [Infinity]}', "not JSON"),
    "number beyond a double": (
        body(numbers()).replace(b"[1, 2, 3]", b"[1, 2, 1e999]"),
        "not JSON: .*infinity",
    ),
    "not UTF-8": (b'{"id": "\xff"}', "not UTF-8 at byte 8"),
    "UTF-16": (json.dumps(numbers()).encode("utf-16"), "not UTF-8 at byte 0"),
    "byte order mark": (b"\xef\xbb\xbf" + body(numbers()), "not JSON: .*BOM"),
    "lone surrogate": (b'{"id": "\\ud800"}', "not JSON"),
    "100,000 brackets": (b"[" * 100_000, "not JSON: depth"),
    "100,000 nested objects": (b'{"a":' * 100_000, "not JSON: depth"),
    "binary without header": (binary()[0], "not JSON"),
    "a list": (b"[]", "is a JSON object, got a list"),
    "null": (b"null", "is a JSON object, got null"),
    "a number": (b"7", "is a JSON object, got an integer"),
}
REQUEST_FAULTS = {
    "no inputs": ({}, "inputs must be a list of tensors, got null"),
    "empty inputs": ({"inputs": []}, "inputs must be a list of tensors"),
    "inputs an object": ({"inputs": {}}, "inputs must be a list of tensors, got an object"),
    "input a number": ({"inputs": [3]}, r"inputs\[0\] must be an object"),
    "id a number": (numbers() | {"id": 7}, "id must be text"),
    "parameters a list": (numbers() | {"parameters": []}, "parameters must be an object"),
    "parameter a list": (numbers() | {"parameters": {"a": []}}, "parameter 'a' must be"),
    "flag a text": (numbers() | {"parameters": {"binary_data_output": "yes"}}, "binary_data_output must be"),
    "no name": (numbers(name=...), "name must be text, got null"),
    "name a number": (numbers(name=1), "name must be text"),
    "unknown input": (numbers(name="z"), "no input 'z', only 'x'"),
    "name of another case": (numbers(name="X"), "no input 'X'"),
    "duplicate input": ({"inputs": numbers()["inputs"] * 2}, "input 'x' is given twice"),
    "no datatype": (numbers(datatype=...), "'x': expected datatype 'FP32', got null"),
    "wrong datatype": (numbers(datatype="INT64"), "expected datatype 'FP32', got text .'INT64'"),
    "lower-case datatype": (numbers(datatype="fp32"), "expected datatype 'FP32', got text .'fp32'"),
    "unknown datatype": (numbers(datatype="BF16"), "expected datatype 'FP32'"),
    "datatype a list": (numbers(datatype=["FP32"]), "expected datatype 'FP32', got a list"),
    "no shape": (numbers(shape=...), "'x': shape must be a list"),
    "shape a number": (numbers(shape=3), "'x': shape must be a list"),
    "shape of texts": (numbers(shape=["1", "3"]), "'x': shape must be a list of whole numbers"),
    "shape of floats": (numbers(shape=[1.0, 3]), "'x': shape must be a list of whole numbers"),
    "shape of booleans": (numbers(shape=[True, 3]), "'x': shape must be a list of whole numbers"),
    "negative size": (numbers(shape=[-1, 3]), r"'x': expected shape \[-1, 3\].*got \[-1, 3\]"),
    "two negative sizes": (numbers(shape=[-1, -3]), "'x': expected shape"),
    "no rows": (numbers(shape=[0, 3], data=[]), "'x': expected shape"),
    "rank too small": (numbers(shape=[3]), "'x': expected shape"),
    "rank too large": (numbers(shape=[1, 3, 1]), "'x': expected shape"),
    "a thousand sizes": (numbers(shape=[2**62] * 1000), "'x': expected shape"),
    "another width": (numbers(shape=[1, 4], data=[1, 2, 3, 4]), r"'x': expected shape \[-1, 3\]"),
    "huge size": (numbers(shape=[2**70, 3]), "shape must be|rows, at most"),
    "too many rows": (numbers(shape=[501, 3]), "'x': 501 rows, at most 500"),
    "no data": (numbers(data=...), "'x': data must be a list, got null"),
    "data a text": (numbers(data="AAAA"), "'x': data must be a list, got text"),
    "too few values": (numbers(data=[1, 2]), "'x': shape .* needs 3 values, data has 2"),
    "too many values": (numbers(data=[1, 2, 3, 4]), "data has 4"),
    "ragged": (numbers(shape=[2, 3], data=[[1, 2, 3], [4, 5]]), "nested data is not .2, 3. throughout"),
    "nested too deep": (numbers(data=[[[1, 2, 3]]]), "'x'"),
    "text among numbers": (numbers(data=[1, "2", 3]), "'x', value 1: expected a number"),
    "NaN as text": (numbers(data=[1, "NaN", 3]), "'x', value 1: .*got text"),
    "null in a tensor": (numbers(data=[1, None, 3]), "'x', value 1: .*got null"),
    "boolean among numbers": (numbers(data=[1, True, 3]), "'x', value 1: .*got a boolean"),
    "too large for FP32": (numbers(data=[1, 1e300, 3]), "'x', value 1: 1e.300 is outside FP32"),
    "binary size without binary": (
        numbers(data=..., parameters={"binary_data_size": 12}),
        "0 bytes are left",
    ),
    "shared memory": (numbers(parameters={"shared_memory_region": "r"}), "shared memory is not supported"),
    "outputs an object": (numbers() | {"outputs": {}}, "outputs must be a list"),
    "output a text": (numbers() | {"outputs": ["x_out"]}, r"outputs\[0\] must be an object"),
    "unknown output": (numbers() | {"outputs": [{"name": "y"}]}, "no output 'y', only 'x_out'"),
    "duplicate output": (numbers() | {"outputs": [{"name": "x_out"}] * 2}, "'x_out' is asked for twice"),
    "binary_data a number": (
        numbers() | {"outputs": [{"name": "x_out", "parameters": {"binary_data": 1}}]},
        "output 'x_out': binary_data must be true or false",
    ),
    "classification": (
        numbers() | {"outputs": [{"name": "x_out", "parameters": {"classification": 2}}]},
        "only binary_data is supported",
    ),
}
WHOLE, JSON_SIZE = binary()
BINARY_FAULTS = {
    "header past the body": (WHOLE, len(WHOLE) + 1, "is 9\\d+|but the body has only"),
    "header not a number": (WHOLE, "abc", "Inference-Header-Content-Length must be a whole number"),
    "header negative": (WHOLE, -5, "Inference-Header-Content-Length must be"),
    "header a float": (WHOLE, "12.0", "Inference-Header-Content-Length must be"),
    "header huge": (WHOLE, "9" * 400, "Inference-Header-Content-Length must be"),
    "header too small": (WHOLE, JSON_SIZE - 1, "not JSON"),
    "header too large": (WHOLE, JSON_SIZE + 1, "not JSON"),
    "fewer bytes than announced": (*binary(tail=FLOATS[:8]), "binary_data_size is 12, but 8 bytes"),
    "trailing bytes": (*binary(tail=FLOATS + b"\0"), "1 bytes follow the last input"),
    "size is not shape": (*binary(size=8, tail=FLOATS[:8]), "takes 12 bytes, binary data has 8"),
    "size negative": (*binary(size=-12), "binary_data_size must be a number of bytes"),
    "size a text": (*binary(size="12"), "binary_data_size must be a number of bytes"),
    "size a float": (*binary(size=12.0), "binary_data_size must be a number of bytes"),
    "size a boolean": (*binary(size=True), "binary_data_size must be a number of bytes"),
    "raw body of another size": (FLOATS + b"\0", 0, "takes 12 bytes, binary data has 13"),
    "raw body empty": (b"", 0, "takes 12 bytes, binary data has 0"),
}
TEXT_FAULTS = {
    "length past the end": (struct.pack("<I", 9) + b"ok", "element 0 ends at byte 13 of 6"),
    "length of 4 GiB": (b"\xff\xff\xff\xff", "element 0 ends at byte"),
    "length cut off": (b"\2\0", "element 0 ends at byte 4 of 2"),
    "two elements for one": (TEXT * 2, "and 6 bytes more"),
    "text too long": (
        struct.pack("<I", 1_000_001) + b"x" * 1_000_001,
        "element 0: 1000001 bytes, at most 1000000 in a text|the body has",
    ),
    "text not UTF-8": (struct.pack("<I", 1) + b"\xff", "element 0 is not UTF-8"),
}
PREDICT_FAULTS = {
    "empty": (b"", "the body is empty"),
    "truncated": (b'{"rooms": 1', "not JSON"),
    "brackets": (b"[" * 100_000, "not JSON: depth"),
    "a text": (b'"rooms"', "record 0: expected an object"),
    "no records": (b"[]", "at least one record"),
    "unknown field": (b'{"rooms": 1, "colour": 2}', "record 0: price has no field 'colour'"),
    "required field missing": (b'[{"rooms": 1}, {}]', "record 1: field 'rooms' is missing"),
    "NaN": (b'{"rooms": 1, "area": NaN}', "not JSON"),
    "NaN as text": (b'{"rooms": 1, "area": "NaN"}', "field 'area': expected a number"),
    "huge integer": (b'{"rooms": 123456789012345678901234567890}', "field 'rooms'"),
    "float for an integer": (b'{"rooms": 1.5}', "field 'rooms': expected a whole number"),
    "number for a category": (b'{"rooms": 1, "quality": 2}', "field 'quality': expected text"),
    "object for a number": (b'{"rooms": {"$gt": 0}}', "field 'rooms'.*got an object"),
    "too many records": (b"[" + b",".join([b'{"rooms":1}'] * 501) + b"]", "501 records, at most 500"),
}


def assert_refused(response: requests.Response, says: str) -> None:
    assert 400 <= response.status_code < 500, response.text[:300]
    assert response.headers["content-type"] == "application/json"
    assert response.json().keys() == {"error"}
    assert re.search(says, response.json()["error"]), response.text[:300]
    assert "\n" not in response.json()["error"]
    assert len(response.text) < 1000


@pytest.mark.parametrize("fault", JSON_FAULTS)
def test_a_body_that_is_not_json_is_refused(service, fault):
    content, says = JSON_FAULTS[fault]
    assert_refused(service.infer("numbers", content), says)


@pytest.mark.parametrize("fault", REQUEST_FAULTS)
def test_a_request_that_does_not_fit_is_refused(service, fault):
    request, says = REQUEST_FAULTS[fault]
    assert_refused(service.infer("numbers", body(request)), says)


@pytest.mark.parametrize("fault", BINARY_FAULTS)
def test_binary_data_that_does_not_fit_is_refused(service, fault):
    content, json_size, says = BINARY_FAULTS[fault]
    assert_refused(service.infer("numbers", content, json_size), says)


@pytest.mark.parametrize("fault", TEXT_FAULTS)
def test_binary_texts_that_do_not_fit_are_refused(service, fault):
    tail, says = TEXT_FAULTS[fault]
    assert_refused(service.infer("words", *words(tail)), says)


@pytest.mark.parametrize("fault", PREDICT_FAULTS)
def test_records_that_do_not_fit_are_refused(service, fault):
    content, says = PREDICT_FAULTS[fault]
    assert_refused(service.predict("price", content), says)


def test_the_well_formed_neighbours_are_answered(service):
    assert service.infer("numbers", body(numbers())).json()["outputs"][0]["data"] == [1, 2, 3]
    assert service.infer("numbers", *binary()).json()["outputs"][0]["data"] == [1, 2, 3]
    assert service.infer("words", *words(TEXT)).json()["outputs"][0]["data"] == ["ok"]


def test_a_missing_input_and_unequal_rows_are_named(service):
    tensor = {"name": "rooms", "shape": [1, 1], "datatype": "INT64", "data": [1]}
    assert_refused(service.infer("price", body({"inputs": [tensor]})), "input 'area' is missing")
    area = {"name": "area", "shape": [2, 1], "datatype": "FP32", "data": [1, 2]}
    quality = {"name": "quality", "shape": [1, 1], "datatype": "BYTES", "data": ["Good"]}
    assert_refused(service.infer("price", body({"inputs": [tensor, area, quality]})), "'rooms' has 1 rows")


def test_values_that_the_graph_refuses_are_the_clients_fault(service):
    assert_refused(
        service.predict("classes", b'{"x": [1, 2, 3, 4], "at": 99}'), "classes refused these values"
    )


@pytest.mark.parametrize("chunked", [False, True])
def test_a_large_body_is_refused_without_being_read_whole(service, chunked):
    size = 20_000_000
    content = iter([b"x" * 1000] * (size // 1000)) if chunked else b"x" * size
    response = requests.post(f"{service.url}/models/price/predict", data=content, timeout=30)
    assert response.status_code == 413
    assert re.search("the body has .* bytes, at most 1000000", response.json()["error"])


@pytest.mark.parametrize(
    ("coding", "content", "status", "says"),
    [
        ("br", b"x", 415, "'br' is not supported, only gzip and deflate"),
        ("gzip", b"x", 400, "the body is not gzip"),
        ("gzip", gzip.compress(b'{"rooms": 1}')[:-9], 400, "not gzip: it ends too early"),
        ("deflate", zlib.compress(bytes(20_000_000)), 413, "unpacks to more than 1000000 bytes"),
    ],
    ids=["unknown", "no gzip", "cut off", "unpacks to much"],
)
def test_a_compressed_body_that_cannot_be_read_is_refused(service, coding, content, status, says):
    headers = {"Content-Encoding": coding}
    response = requests.post(f"{service.url}/models/price/predict", data=content, headers=headers, timeout=30)
    assert response.status_code == status
    assert_refused(response, says)


@pytest.mark.parametrize(
    ("method", "path", "status", "says"),
    [
        ("GET", "/nowhere", 404, "GET /nowhere"),
        ("GET", "/v2/", 404, "GET /v2/"),
        ("POST", "/v2", 405, "Method Not Allowed"),
        ("GET", "/v2/models/price/infer", 405, "Method Not Allowed"),
        ("DELETE", "/models/price", 405, "Method Not Allowed"),
        ("GET", "/v2/models/nope", 404, "no model 'nope'"),
        ("GET", "/v2/models/price/versions/7", 404, "no version '7'"),
        ("GET", "/v2/models/price/versions/one/ready", 404, "no version 'one'"),
        ("POST", "/v2/models/nope/infer", 404, "no model 'nope'"),
        ("POST", "/v2/models/price/versions/9/infer", 404, "no version '9'"),
        ("POST", "/models/nope/predict", 404, "no model 'nope'"),
        ("POST", "/v2/repository/models/price/load", 403, "start the service with --model-control"),
        ("POST", "/v2/repository/models/price/unload", 403, "start the service with --model-control"),
        ("GET", "/v2/repository/index", 405, "Method Not Allowed"),
        ("GET", "/models/nope", 404, "no model 'nope'"),
        ("GET", "/static/..%2fpages.py", 404, ""),
        ("GET", "/static/pages.py", 404, "no file"),
        ("GET", "/models/%00%ff", 404, "no model"),
    ],
)
def test_another_route_is_an_error_of_the_same_form(service, method, path, status, says):
    response = requests.request(
        method, service.url + path, data=b"{}" if method == "POST" else None, timeout=30
    )
    assert response.status_code == status
    assert_refused(response, re.escape(says))


def test_the_service_is_still_well(service):
    assert requests.get(f"{service.url}/v2/health/ready", timeout=30).json() == {"ready": True}
