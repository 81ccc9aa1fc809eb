"""A graph written node by node: names that do not clash, constants kept once, other graphs taken in."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from models.export.graphs import ML_OPSET, OPSET, levelled

ML = "ai.onnx.ml"


class GraphBuilder:
    """Collects nodes; every value is known by its name, a string."""

    def __init__(self) -> None:
        self._nodes: list[NodeProto] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._initializers: list[TensorProto] = []

    def constant(self, values: ArrayLike, dtype: Any = None) -> str:
        """Return the name of a constant; the same values are kept once."""
        array = np.asarray(values, dtype=dtype)
        content = array.tobytes() if array.dtype != object else repr(array.tolist()).encode()
        key = (array.dtype.str, array.shape, content)
        if key not in self._constants:
            self._constants[key] = f"c{len(self._constants)}"
            self._initializers.append(numpy_helper.from_array(array, self._constants[key]))
        return self._constants[key]

    def add(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node of one output; returns its name."""
        return self.add_many(operator, *inputs, count=1, domain=domain, **attributes)[0]

    def add_many(
        self, operator: str, *inputs: str, count: int, domain: str = "", **attributes: Any
    ) -> list[str]:
        """Add a node of ``count`` outputs; returns their names."""
        outputs = [f"v{len(self._nodes)}.{at}" for at in range(count)]
        self._nodes.append(helper.make_node(operator, list(inputs), outputs, domain=domain, **attributes))
        return outputs

    def cast(self, value: str, to: Any) -> str:
        """Add a Cast to numpy's type ``to``."""
        return self.add("Cast", value, to=helper.np_dtype_to_tensor_dtype(np.dtype(to)))

    def columns(self, matrix: str, wanted: Sequence[int] | NDArray[np.int64]) -> str:
        """Return the columns ``wanted`` of a matrix [batch, columns], in this order."""
        return self.add("Gather", matrix, self.constant(wanted, np.int64), axis=1)

    def model(
        self, inputs: Sequence[ValueInfoProto], outputs: Mapping[str, tuple[str, int, int]]
    ) -> ModelProto:
        """Return the graph; ``outputs``: its name -> (value, element type of TensorProto, width)."""
        nodes = [
            *self._nodes,
            *(helper.make_node("Identity", [value], [name]) for name, (value, _, _) in outputs.items()),
        ]
        graph = helper.make_graph(
            nodes, "graph", list(inputs),
            [
                helper.make_tensor_value_info(name, kind, ["batch", width])
                for name, (_, kind, width) in outputs.items()
            ],
            initializer=self._initializers,
        )  # fmt: skip
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(ML, ML_OPSET)]
        return levelled(helper.make_model(graph, opset_imports=opsets))
