"""Small models made with onnx.helper, and a really started service of them."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import requests
from onnx import TensorProto, helper, numpy_helper

from serving.bundle import Bundle, Input, Output
from serving.bundle_files import write_bundle
from serving.proof import Proof
from tests.serving.cards import CARD
from tests.serving.form_models import write_colours, write_lengths, write_noise

MAX_BODY_BYTES = 1_000_000
MAX_ROWS = 500
STARTER = """
import sys
from serving.errors import ServingError
from serving.options import Options
from serving.run import serve
try:
    serve(Options.from_json(sys.argv[1]))
except ServingError as error:
    sys.exit(str(error))
"""
ONNX = {
    "BOOL": TensorProto.BOOL,
    "UINT8": TensorProto.UINT8,
    "UINT16": TensorProto.UINT16,
    "UINT32": TensorProto.UINT32,
    "UINT64": TensorProto.UINT64,
    "INT8": TensorProto.INT8,
    "INT16": TensorProto.INT16,
    "INT32": TensorProto.INT32,
    "INT64": TensorProto.INT64,
    "FP16": TensorProto.FLOAT16,
    "FP32": TensorProto.FLOAT,
    "FP64": TensorProto.DOUBLE,
    "BYTES": TensorProto.STRING,
}
QUALITY = {"Poor": -5000.0, "Typical": 0.0, "Good": 7000.0}


class Small:
    """The models that the tests serve, each small enough to compute its answer by hand."""

    @staticmethod
    def graph_bytes(nodes, inputs, outputs, constants=()):
        """A serialised model; inputs and outputs as (name, datatype, shape)."""
        sides = [
            [helper.make_tensor_value_info(name, ONNX[kind], shape) for name, kind, shape in side]
            for side in (inputs, outputs)
        ]
        weights = [numpy_helper.from_array(value, name) for name, value in constants]
        graph = helper.make_graph(nodes, "test", *sides, weights)
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()

    @staticmethod
    def price(area, rooms, quality, bias=1000.0):
        """What the price model answers: a missing area counts as 50, an unknown quality as Typical."""
        return bias + 100 * (50 if area is None else area) + 10 * rooms + QUALITY.get(quality, 0.0)

    @staticmethod
    def price_graph(bias=1000.0):
        node = helper.make_node
        nodes = [
            node("IsNaN", ["area"], ["unknown"]),
            node("Where", ["unknown", "fifty", "area"], ["filled"]),
            node("Mul", ["filled", "hundred"], ["by_area"]),
            node("Cast", ["rooms"], ["rooms_f"], to=TensorProto.FLOAT),
            node("Mul", ["rooms_f", "ten"], ["by_rooms"]),
            node("LabelEncoder", ["quality"], ["by_quality"], domain="ai.onnx.ml", keys_strings=list(QUALITY),
                 values_floats=list(QUALITY.values()), default_float=0.0),
            node("Sum", ["by_area", "by_rooms", "by_quality", "bias"], ["price"]),
        ]  # fmt: skip
        constants = [
            (name, np.array(value, np.float32))
            for name, value in (("fifty", 50), ("hundred", 100), ("ten", 10), ("bias", bias))
        ]
        inputs = [("area", "FP32", ["N", 1]), ("rooms", "INT64", ["N", 1]), ("quality", "BYTES", ["N", 1])]
        return Small.graph_bytes(nodes, inputs, [("price", "FP32", ["N", 1])], constants)

    @staticmethod
    def price_bundle(version=1, **changes):
        fields = {
            "name": "price",
            "version": version,
            "task": "regression",
            "description": "What a house costs.",
            "inputs": [
                Input(name="area", datatype="FP32", kind="number", unit="sqft", minimum=20, maximum=400),
                Input(name="rooms", datatype="INT64", kind="number", minimum=1, maximum=12),
                Input(name="quality", datatype="BYTES", kind="category", categories=list(QUALITY)),
            ],
            "outputs": [Output(name="price", datatype="FP32", unit="USD")],
            "metrics": {"rmsle": 0.1},
            "example": {"area": 120.0, "rooms": 4, "quality": "Good"},
        }
        return Bundle.model_validate(fields | changes)

    @staticmethod
    def write_price(root: Path, version=1, bias=1000.0, **changes):
        write_bundle(
            root / "price" / str(version), Small.price_graph(bias), Small.price_bundle(version, **changes)
        )

    @staticmethod
    def write_echo(root: Path, name: str, columns: dict[str, str], width: int):
        """A model that gives every input `x` back as `x_out`; columns are input names and datatypes."""
        nodes = [helper.make_node("Identity", [column], [f"{column}_out"]) for column in columns]
        inputs = [(column, kind, ["N", width]) for column, kind in columns.items()]
        outputs = [(f"{column}_out", kind, ["N", width]) for column, kind in columns.items()]
        bundle = Bundle(
            name=name,
            version=1,
            task="echo",
            inputs=[Input(name=n, datatype=k, shape=(-1, width), kind="tensor") for n, k, _ in inputs],
            outputs=[Output(name=n, datatype=k, shape=(-1, width)) for n, k, _ in outputs],
        )
        write_bundle(root / name / "1", Small.graph_bytes(nodes, inputs, outputs), bundle)

    @staticmethod
    def write_ranged(root: Path):
        """A cost, half of it and twice of it, between which the truth lies nine times in ten."""
        nodes = [
            helper.make_node("Identity", ["x"], ["cost"]),
            helper.make_node("Mul", ["x", "half"], ["cost_low"]),
            helper.make_node("Add", ["x", "x"], ["cost_high"]),
        ]
        names = ("cost", "cost_low", "cost_high")
        ends = {"interval": {"low": "cost_low", "high": "cost_high", "coverage": 0.9}}
        bundle = Bundle(
            name="ranged",
            version=1,
            task="regression",
            inputs=[Input(name="x", datatype="FP32", kind="number")],
            outputs=[
                Output(name=name, datatype="FP32", unit="USD", **ends if name == "cost" else {})
                for name in names
            ],
            example={"x": 100.0},
        )
        outputs = [(name, "FP32", ["N", 1]) for name in names]
        constants = [("half", np.array(0.5, np.float32))]
        graph = Small.graph_bytes(nodes, [("x", "FP32", ["N", 1])], outputs, constants)
        write_bundle(root / "ranged" / "1", graph, bundle)

    @staticmethod
    def write_classes(root: Path):
        """Softmax of four numbers over three labels, with an index that the graph refuses out of 0 to 4."""
        nodes = [
            helper.make_node("MatMul", ["x", "w"], ["logits"]),
            helper.make_node("Gather", ["bias", "at"], ["chosen"]),
            helper.make_node("Add", ["logits", "chosen"], ["moved"]),
            helper.make_node("Softmax", ["moved"], ["probability"]),
        ]
        constants = [("w", np.eye(4, 3, dtype=np.float32)), ("bias", np.zeros((5, 1), np.float32))]
        inputs = [("x", "FP32", ["N", 4]), ("at", "INT64", ["N"])]
        bundle = Bundle(
            name="classes",
            version=1,
            task="classification",
            inputs=[
                Input(name="x", datatype="FP32", shape=(-1, 4), kind="tensor"),
                Input(name="at", datatype="INT64", shape=(-1,), kind="number"),
            ],
            outputs=[
                Output(name="probability", datatype="FP32", shape=(-1, 3), labels=["cat", "dog", "owl"]),
            ],
            example={"x": [1, 2, 3, 4], "at": 0},
        )
        graph = Small.graph_bytes(nodes, inputs, [("probability", "FP32", ["N", 3])], constants)
        write_bundle(root / "classes" / "1", graph, bundle)


@dataclass
class Running:
    """A started service."""

    url: str
    greeting: str
    process: subprocess.Popen[str]

    @property
    def address(self) -> str:
        return self.url.removeprefix("http://")

    def infer(self, model: str, body: bytes, json_size: object = None) -> requests.Response:
        headers = {} if json_size is None else {"Inference-Header-Content-Length": str(json_size)}
        return requests.post(f"{self.url}/v2/models/{model}/infer", data=body, headers=headers, timeout=30)

    def predict(self, model: str, body: bytes | str) -> requests.Response:
        return requests.post(f"{self.url}/models/{model}/predict", data=body, timeout=30)


def start(folder: Path, limits: dict[str, float] | None = None, **options) -> Running:
    """Start the service as a user would and wait until it says where it listens."""
    options = {"port": 0, "max_body_bytes": MAX_BODY_BYTES, "max_rows": MAX_ROWS} | options
    options |= {"folder": str(folder), "limits": limits}
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", STARTER, json.dumps(options)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    lines = []
    for line in process.stdout or ():
        lines.append(line)
        if "/docs" in line:
            break
    found = re.match(r"http://\S+:\d+", lines[-1] if lines else "")
    return Running(found.group() if found else "", "".join(lines), process)


def stop(running: Running) -> str:
    """End the service; gives what it wrote to stderr."""
    running.process.terminate()
    return running.process.communicate(timeout=20)[1]


@pytest.fixture(scope="session")
def small() -> type[Small]:
    return Small


@pytest.fixture(scope="session")
def models_folder(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("models")
    Small.write_price(root, 1)
    rows = [{"area": area, "rooms": rooms, "quality": "Typical"} for area, rooms in ((60.0, 2), (90.0, 4))]
    prices = [[Small.price(*row.values(), 2000.0)] for row in rows]
    proof = Proof(records=tuple(rows), outputs={"price": prices})
    Small.write_price(root, 2, bias=2000.0, card=CARD, proof=proof)
    Small.write_echo(root, "every", {f"x_{kind.lower()}": kind for kind in ONNX}, 2)
    Small.write_echo(root, "words", {"text": "BYTES"}, 1)
    Small.write_echo(root, "numbers", {"x": "FP32"}, 3)
    Small.write_ranged(root)
    Small.write_classes(root)
    for write in (write_colours, write_lengths, write_noise):
        write(root, Small.graph_bytes)
    return root


@pytest.fixture(scope="session")
def service(models_folder) -> Iterator[Running]:
    running = start(models_folder)
    assert running.url, running.process.communicate(timeout=20)[1]
    yield running
    assert "Traceback" not in stop(running)


@pytest.fixture
def starting() -> Iterator[Callable[..., Running]]:
    """Start further services, all ended with the test."""
    begun: list[Running] = []

    def begin(*args, **options) -> Running:
        begun.append(start(*args, **options))
        return begun[-1]

    yield begin
    for running in begun:
        if running.process.poll() is None:
            stop(running)
