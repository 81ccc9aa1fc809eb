"""The interval round a graph's answer, as two more outputs of the graph."""

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

from models.conformal import Interval
from models.errors import ExportError
from models.export.graphs import check


def interval_outputs(output: str) -> tuple[str, str]:
    """The names of the lower and the upper end."""
    return f"{output}_low", f"{output}_high"


def with_interval(model: ModelProto, output: str, interval: Interval) -> ModelProto:
    """The graph with ``output``_low and ``output``_high [batch, 1] float32 beside ``output``.

    Worked out in double precision. Raises ExportError when the graph has no output of that name.
    """
    whole = ModelProto()
    whole.CopyFrom(model)
    graph = whole.graph
    if output not in [value.name for value in graph.output]:
        raise ExportError(f"expected a graph with the output {output!r} to put an interval round; name it so")
    wide, one = f"{output}.wide", f"{output}.one"
    graph.initializer.append(numpy_helper.from_array(np.array(1.0), one))
    graph.node.append(helper.make_node("Cast", [output], [wide], to=TensorProto.DOUBLE))
    centre = wide
    if interval.log_target:
        centre = f"{output}.log"
        graph.node.append(helper.make_node("Add", [wide, one], [f"{output}.more"]))
        graph.node.append(helper.make_node("Log", [f"{output}.more"], [centre]))
    for name, radius in zip(interval_outputs(output), (-interval.radius, interval.radius), strict=True):
        _add_end(whole, name, centre, radius, one if interval.log_target else None)
    return check(whole)


def _add_end(model: ModelProto, name: str, centre: str, radius: float, one: str | None) -> None:
    """Append the nodes of one end; ``one`` names the constant 1 when the centre is a logarithm."""
    graph, end = model.graph, f"{name}.end"
    graph.initializer.append(numpy_helper.from_array(np.array(radius), f"{name}.radius"))
    graph.node.append(helper.make_node("Add", [centre, f"{name}.radius"], [end]))
    if one is not None:
        graph.node.append(helper.make_node("Exp", [end], [f"{name}.exp"]))
        graph.node.append(helper.make_node("Sub", [f"{name}.exp", one], [f"{name}.plain"]))
        end = f"{name}.plain"
    graph.node.append(helper.make_node("Cast", [end], [name], to=TensorProto.FLOAT))
    graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 1]))
