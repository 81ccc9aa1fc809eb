"""A model whose run takes as long as its request says, so that tests can keep a service busy."""

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper

from serving.bundle import Bundle, Input, Output
from serving.bundle_files import write_bundle

WIDTH = 300


def write_slow(root: Path, graph_bytes) -> None:
    """y = turns: multiplies a square of numbers by itself as often as the largest of `turns` says."""
    node = helper.make_node
    body = helper.make_graph(
        [
            node("MatMul", ["state", "state"], ["product"]),
            node("Tanh", ["product"], ["state_out"]),
            node("Identity", ["on"], ["on_out"]),
        ],
        "turn",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("state", TensorProto.FLOAT, [WIDTH, WIDTH]),
        ],
        [
            helper.make_tensor_value_info("on_out", TensorProto.BOOL, []),
            helper.make_tensor_value_info("state_out", TensorProto.FLOAT, [WIDTH, WIDTH]),
        ],
    )
    nodes = [
        node("ReduceMax", ["turns"], ["most"], keepdims=0),
        node("Loop", ["most", "yes", "start"], ["end"], body=body),
        node("ReduceMax", ["end"], ["peak"], keepdims=0),
        node("Cast", ["turns"], ["turns_f"], to=TensorProto.FLOAT),
        node("Mul", ["peak", "zero"], ["nothing"]),
        node("Add", ["turns_f", "nothing"], ["y"]),
    ]
    constants = [
        ("yes", np.array(True)),
        ("zero", np.array(0, np.float32)),
        ("start", np.eye(WIDTH, dtype=np.float32)),
    ]
    graph = graph_bytes(nodes, [("turns", "INT64", ["N", 1])], [("y", "FP32", ["N", 1])], constants)
    bundle = Bundle(
        name="slow",
        version=1,
        task="regression",
        inputs=[Input(name="turns", datatype="INT64", kind="number")],
        outputs=[Output(name="y", datatype="FP32")],
    )
    write_bundle(root / "slow" / "1", graph, bundle)
