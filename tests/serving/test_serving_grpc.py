"""The real Triton gRPC client takes the service for one of its own."""

import re
import socket
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tritonclient import grpc
from tritonclient.grpc import service_pb2
from tritonclient.utils import InferenceServerException

from serving.errors import StartError
from serving.options import Options
from serving.rpc.compile import compile_proto
from serving.run import serve
from serving.tensors import DTYPES
from tests.serving.conftest import start, stop
from tests.serving.slow_model import write_slow


def rpc_address(running) -> str:
    port = re.search(r"gRPC on port (\d+)", running.greeting).group(1)
    return f"127.0.0.1:{port}"


@pytest.fixture(scope="module")
def rpc(models_folder):
    running = start(models_folder, grpc_port=0)
    assert running.url, running.process.communicate(timeout=20)[1]
    yield running
    assert "Traceback" not in stop(running)


@pytest.fixture
def client(rpc):
    with grpc.InferenceServerClient(rpc_address(rpc)) as client:
        yield client


@pytest.fixture
def raw(client):
    """The protocol's bare method, for requests that the client's own classes do not make."""
    return client._client_stub.ModelInfer


def tensor(name, values, datatype):
    array = np.asarray(values, DTYPES[datatype])
    made = grpc.InferInput(name, list(array.shape), datatype)
    made.set_data_from_numpy(array)
    return made


def house(area=10.0, rooms=2, quality="Good"):
    return [
        tensor("area", [[area]], "FP32"),
        tensor("rooms", [[rooms]], "INT64"),
        tensor("quality", np.array([[quality]], object), "BYTES"),
    ]


def request(**changes):
    """A request to the model `numbers` with its values in `contents`."""
    contents = service_pb2.InferTensorContents(fp32_contents=[1, 2, 3])
    entry = {"name": "x", "datatype": "FP32", "shape": [1, 3], "contents": contents} | changes
    given = service_pb2.ModelInferRequest.InferInputTensor(**entry)
    return service_pb2.ModelInferRequest(model_name="numbers", id="a 1", inputs=[given])


def test_health_and_metadata(client):
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("price")
    assert client.is_model_ready("price", "1")
    assert not client.is_model_ready("price", "3")
    assert client.get_server_metadata().extensions == ["binary_tensor_data", "model_repository"]
    metadata = client.get_model_metadata("price", as_json=True)
    assert metadata["versions"] == ["1", "2"]
    assert metadata["inputs"][1] == {"name": "rooms", "datatype": "INT64", "shape": ["-1", "1"]}
    index = client.get_model_repository_index(as_json=True)["models"]
    assert {"name": "price", "version": "2", "state": "READY"} in index


def test_prices_of_two_versions(small, client):
    latest = client.infer("price", house(), request_id="a 1")
    assert latest.as_numpy("price").tolist() == [[small.price(10, 2, "Good", 2000)]]
    assert (latest.get_response().id, latest.get_response().model_version) == ("a 1", "2")
    older = client.infer("price", house(np.nan, 3, ""), model_version="1")
    assert older.as_numpy("price").tolist() == [[small.price(None, 3, "")]]


def test_every_datatype_comes_back_as_it_went(client):
    values = {
        kind: [[True, False]] if kind == "BOOL" else [[1, 0]] if dtype.kind != "f" else [[0.5, -2]]
        for kind, dtype in DTYPES.items()
    } | {"BYTES": [["naïve ☃", ""]], "UINT64": [[2**64 - 1, 1]], "INT64": [[-(2**63), 2**63 - 1]]}
    sent = [tensor(f"x_{kind.lower()}", value, kind) for kind, value in values.items()]
    wanted = [grpc.InferRequestedOutput(f"x_{kind.lower()}_out") for kind in reversed(values)]
    result = client.infer("every", sent, outputs=wanted)
    assert [each.name for each in result.get_response().outputs] == [each.name() for each in wanted]
    for kind, value in values.items():
        array = result.as_numpy(f"x_{kind.lower()}_out")
        if kind == "BYTES":
            array = np.array([[each.decode() for each in array[0]]], object)
        assert array.tolist() == value, kind


def test_values_in_contents_are_answered_in_contents(raw):
    answer = raw(request())
    assert list(answer.outputs[0].contents.fp32_contents) == [1, 2, 3]
    assert (answer.id, list(answer.raw_output_contents)) == ("a 1", [])
    contents = service_pb2.InferTensorContents(bytes_contents=["naïve".encode()])
    entry = service_pb2.ModelInferRequest.InferInputTensor(
        name="text", datatype="BYTES", shape=[1, 1], contents=contents
    )
    answer = raw(service_pb2.ModelInferRequest(model_name="words", inputs=[entry]))
    assert list(answer.outputs[0].contents.bytes_contents) == ["naïve".encode()]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"datatype": "fp32"}, "expected datatype 'FP32', got 'fp32'"),
        ({"name": "y"}, "input 'y' is none of numbers"),
        ({"shape": [1, 4]}, "expected shape"),
        ({"shape": [-1, 3]}, "expected shape"),
        ({"shape": [501, 3]}, "501 rows, at most 500"),
        ({"shape": [2, 3]}, "needs 6 values, data has 3"),
        ({"contents": service_pb2.InferTensorContents(fp64_contents=[1, 2, 3])}, "comes in fp32_contents"),
    ],
)
def test_a_request_that_does_not_fit_is_refused_by_name(raw, changes, says):
    with pytest.raises(Exception, match=says) as caught:
        raw(request(**changes))
    assert caught.value.code().name == "INVALID_ARGUMENT"


def test_raw_contents_are_all_or_nothing(raw):
    both = request()
    both.raw_input_contents.append(bytes(12))
    several = request(contents=None)
    several.raw_input_contents.extend([bytes(12)] * 2)
    short = request(contents=None)
    short.raw_input_contents.append(bytes(8))
    for wrong, says in ((both, "not both"), (several, "has 2 tensors"), (short, "takes 12 bytes")):
        with pytest.raises(Exception, match=says) as caught:
            raw(wrong)
        assert caught.value.code().name == "INVALID_ARGUMENT"


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        (lambda client: client.infer("nope", house()), "NOT_FOUND"),
        (lambda client: client.infer("price", house(), model_version="9"), "NOT_FOUND"),
        (lambda client: client.get_model_metadata("nope"), "NOT_FOUND"),
        (lambda client: client.infer("price", house()[:1]), "INVALID_ARGUMENT"),
        (lambda client: client.load_model("price"), "PERMISSION_DENIED"),
        (lambda client: client.unload_model("price"), "PERMISSION_DENIED"),
        (lambda client: client.get_inference_statistics(), "UNIMPLEMENTED"),
    ],
)
def test_errors_have_the_status_of_their_kind(client, ask, code):
    with pytest.raises(InferenceServerException) as caught:
        ask(client)
    assert code in caught.value.status()


def test_what_was_taken_in_is_answered_after_sigterm(small, tmp_path, starting):
    write_slow(tmp_path, small.graph_bytes)
    running = starting(tmp_path, {"runs": 1, "rows_a_run": 1}, grpc_port=0)
    answers = []
    with grpc.InferenceServerClient(rpc_address(running)) as client:
        for _ in range(6):
            turns = tensor("turns", [[50]], "INT64")
            client.async_infer("slow", [turns], lambda result, error: answers.append((result, error)))
        time.sleep(0.3)
        running.process.terminate()
        said = running.process.communicate(timeout=20)
    assert [error for _, error in answers] == [None] * 6
    assert "Traceback" not in said[1]


def test_a_taken_port_is_one_line(models_folder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StartError, match=f"cannot listen for gRPC on 127.0.0.1 port {port}"):
            serve(Options(models_folder, port=0, grpc_port=port))


def test_the_compiled_protocol_is_that_of_the_text(tmp_path):
    compile_proto(tmp_path / "inference.desc")
    shipped = Path(sys.modules["serving.rpc.compile"].__file__).with_name("inference.desc")
    assert (tmp_path / "inference.desc").read_bytes() == shipped.read_bytes()
