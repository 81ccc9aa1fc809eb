"""The NumPy network as an ONNX graph, node by node: there is no torch module to export."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from models.export.graphs import OPSET, check, levelled
from models.zoo.numpy_mlp import Weights

STEPS: tuple[tuple[str, tuple[str, ...], str, Mapping[str, Any]], ...] = (
    ("Cast", ("image",), "floats", {"to": TensorProto.FLOAT}),
    ("Div", ("floats", "full"), "shares", {}),
    ("Sub", ("shares", "mean"), "centred", {}),
    ("Div", ("centred", "deviation"), "scaled", {}),
    ("Flatten", ("scaled",), "x", {"axis": 1}),
    ("Gemm", ("x", "hidden", "hidden_bias"), "a", {"transB": 1}),
    ("Relu", ("a",), "h", {}),
    ("Gemm", ("h", "output", "output_bias"), "z", {"transB": 1}),
    ("Softmax", ("z",), "probabilities", {"axis": 1}),
)
"""Operator, inputs, output and attributes, in order."""


def array_graph(
    weights: Weights,
    *,
    image: tuple[int, int, int],
    mean: NDArray[np.float32],
    deviation: NDArray[np.float32],
) -> ModelProto:
    """Build the graph from ``image`` uint8 [batch, channels, height, width] to ``probabilities`` [batch, K].

    ``mean`` and ``deviation`` [1, channels, 1, 1] are those of values in [0, 1]. Raises ExportError for
    weights that do not fit each other or the picture.
    """
    constants = {**weights._asdict(), "mean": mean, "deviation": deviation, "full": np.float32(255)}
    classes = len(weights.output)
    graph = helper.make_graph(
        [_node(*step) for step in STEPS], "numpy_mlp",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["batch", *image])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", classes])],
        [numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in constants.items()],
    )  # fmt: skip
    return check(levelled(helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])))


def _node(operator: str, inputs: tuple[str, ...], output: str, attributes: Mapping[str, Any]) -> NodeProto:
    return helper.make_node(operator, list(inputs), [output], name=output, **attributes)
