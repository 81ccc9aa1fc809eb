"""The model that the service's benchmark asks, and its two requests."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper
from wrk import Shot

from serving.bundle import Bundle, Input, Output
from serving.bundle_files import write_bundle

WIDTH, ROWS = 80, 256
JSON_HEADERS = {"Content-Type": "application/json"}
X = np.random.default_rng(0).standard_normal((ROWS, WIDTH)).round(6).astype(np.float32)


def write_model(root: Path, version: int = 1) -> Path:
    """The benchmark's model as a bundle under `root`; gives the graph's file. Versions differ in nothing."""
    rng = np.random.default_rng(1)
    sizes = [WIDTH, 256, 256, 1]
    nodes: list[NodeProto] = []
    weights: list[TensorProto] = []
    last = "features"
    for at, (wide, high) in enumerate(pairwise(sizes)):
        kernel = (rng.standard_normal((wide, high)) / np.sqrt(wide)).astype(np.float32)
        weights += [numpy_helper.from_array(kernel, f"w{at}")]
        weights += [numpy_helper.from_array(np.zeros(high, np.float32), f"b{at}")]
        made = "score" if high == 1 else f"h{at}"
        nodes.append(helper.make_node("Gemm", [last, f"w{at}", f"b{at}"], [made]))
        last = made if high == 1 else f"r{at}"
        nodes += [] if high == 1 else [helper.make_node("Relu", [made], [last])]
    sides = [
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", size])]
        for name, size in (("features", WIDTH), ("score", 1))
    ]
    graph = helper.make_graph(nodes, "tabular", sides[0], sides[1], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    bundle = Bundle(
        name="tabular", version=version, task="regression", outputs=(Output(name="score", datatype="FP32"),),
        inputs=(Input(name="features", datatype="FP32", shape=(-1, WIDTH), kind="tensor"),),
    )  # fmt: skip
    write_bundle(root / "tabular" / str(version), model.SerializeToString(), bundle)
    return root / "tabular" / str(version) / "model.onnx"


def one_row() -> Shot:
    """A request for one row as JSON."""
    tensor = {"name": "features", "shape": [1, WIDTH], "datatype": "FP32", "data": X[0].tolist()}
    return Shot(json.dumps({"inputs": [tensor]}).encode(), JSON_HEADERS)


def many_rows() -> Shot:
    """A request for `ROWS` rows by the binary extension, answered alike."""
    raw = X.tobytes()
    tensor = {
        "name": "features", "shape": list(X.shape), "datatype": "FP32",
        "parameters": {"binary_data_size": len(raw)},
    }  # fmt: skip
    head = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    return Shot(head + raw, {"Inference-Header-Content-Length": str(len(head))})
