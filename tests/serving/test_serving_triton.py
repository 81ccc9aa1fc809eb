"""The real Triton HTTP client takes the service for one of its own."""

import numpy as np
import pytest
from tritonclient import http
from tritonclient.utils import InferenceServerException

from serving.tensors import DTYPES


@pytest.fixture
def client(service):
    with http.InferenceServerClient(service.address) as client:
        yield client


def tensor(name, values, datatype, *, binary):
    array = np.asarray(values, DTYPES[datatype])
    made = http.InferInput(name, list(array.shape), datatype)
    made.set_data_from_numpy(array, binary_data=binary)
    return made


def houses(areas, rooms, qualities, *, binary):
    columns = (("area", areas, "FP32"), ("rooms", rooms, "INT64"), ("quality", qualities, "BYTES"))
    return [
        tensor(name, np.array(values, object)[:, None], kind, binary=binary) for name, values, kind in columns
    ]


def test_health_and_metadata(client):
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("price")
    assert client.is_model_ready("price", "1")
    assert not client.is_model_ready("price", "3")
    assert client.get_server_metadata()["extensions"] == ["binary_tensor_data", "model_repository"]
    metadata = client.get_model_metadata("price")
    assert metadata["versions"] == ["1", "2"]
    assert metadata["inputs"][1] == {"name": "rooms", "datatype": "INT64", "shape": [-1, 1]}
    assert metadata["platform"] == "onnx_onnxv1"


@pytest.mark.parametrize("binary_out", [True, False])
@pytest.mark.parametrize("binary_in", [True, False])
def test_prices_in_every_mode(small, client, binary_in, binary_out):
    inputs = houses([10.0, 200.5], [1, 7], ["Poor", "new"], binary=binary_in)
    outputs = [http.InferRequestedOutput("price", binary_data=binary_out)]
    result = client.infer("price", inputs, outputs=outputs, request_id="a 1")
    expected = [[small.price(10, 1, "Poor", 2000)], [small.price(200.5, 7, "new", 2000)]]
    assert result.as_numpy("price").tolist() == expected
    answer = result.get_response()
    assert (answer["id"], answer["model_name"], answer["model_version"]) == ("a 1", "price", "2")


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_compressed_request(small, client, coding):
    inputs = houses([1.0], [3], ["Good"], binary=True)
    result = client.infer(
        "price", inputs, request_compression_algorithm=coding, response_compression_algorithm=coding
    )
    assert result.as_numpy("price").tolist() == [[small.price(1, 3, "Good", 2000)]]


def test_the_clients_defaults_and_an_older_version(small, client):
    result = client.infer("price", houses([np.nan], [3], [""], binary=True), model_version="1")
    assert result.as_numpy("price").tolist() == [[small.price(None, 3, "")]]
    assert result.get_response()["model_version"] == "1"


@pytest.mark.parametrize("binary", [True, False])
def test_every_datatype_comes_back_as_it_went(client, binary):
    values = {
        kind: [[True, False]] if kind == "BOOL" else [[1, 0]] if dtype.kind != "f" else [[0.5, -2]]
        for kind, dtype in DTYPES.items()
    } | {"BYTES": [["naïve ☃", ""]], "UINT64": [[2**64 - 1, 1]], "INT64": [[-(2**63), 2**63 - 1]]}
    sent = [tensor(f"x_{kind.lower()}", value, kind, binary=binary) for kind, value in values.items()]
    outputs = [http.InferRequestedOutput(f"x_{kind.lower()}_out", binary_data=binary) for kind in values]
    result = client.infer("every", sent, outputs=outputs)
    for kind, value in values.items():
        array = result.as_numpy(f"x_{kind.lower()}_out")
        if kind == "BYTES":
            array = np.array(
                [[each.decode() if isinstance(each, bytes) else each for each in array[0]]], object
            )
        assert array.tolist() == value, kind


def test_json_and_binary_may_mix_and_outputs_be_chosen(client):
    sent = [tensor(f"x_{kind.lower()}", [[1, 0]], kind, binary=at % 2 == 0)
            for at, kind in enumerate(DTYPES) if kind != "BYTES"]  # fmt: skip
    sent.append(tensor("x_bytes", [["a", "b"]], "BYTES", binary=False))
    outputs = [
        http.InferRequestedOutput("x_int8_out"),
        http.InferRequestedOutput("x_bool_out", binary_data=False),
    ]
    result = client.infer("every", sent, outputs=outputs)
    assert [output["name"] for output in result.get_response()["outputs"]] == ["x_int8_out", "x_bool_out"]
    assert result.as_numpy("x_int8_out").tolist() == [[1, 0]]
    assert result.as_numpy("x_bool_out").tolist() == [[True, False]]


def test_errors_reach_the_caller_with_their_text(client):
    inputs = houses([1.0], [1], ["Good"], binary=True)
    inputs[1] = tensor("rooms", [[1]], "INT32", binary=True)
    with pytest.raises(InferenceServerException, match="input 'rooms': expected datatype 'INT64'"):
        client.infer("price", inputs)
    with pytest.raises(InferenceServerException, match="there is no model 'nope'"):
        client.get_model_metadata("nope")
