"""A torch module as an ONNX graph with free axes: the batch, and those that a task names."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from onnx import ModelProto

from models.errors import ExportError
from models.export.graphs import OPSET, check, levelled, name_batch
from models.export.operators import TRANSLATIONS
from models.task import Served


def network_graph(served: Served) -> ModelProto:
    """Export what a task serves; inputs and outputs keep their names, their first axis is ``batch``.

    ``torch.export`` runs first because it raises on a module that depends on the size of a free axis, where
    the ONNX exporter by itself freezes the axis to the example's. Raises ExportError naming the reason.
    """
    names = {"batch", *(name for axes in served.axes.values() for name in axes.values())}
    dims = {name: torch.export.Dim(name) for name in names}
    shapes = {
        name: {axis: dims[free] for axis, free in {0: "batch", **served.axes.get(name, {})}.items()}
        for name in served.inputs
    }
    module = served.module.eval()
    with _quiet():
        try:
            program = torch.export.export(module, (), dict(served.inputs), dynamic_shapes=shapes)
            exported = torch.onnx.export(
                program, dynamo=True, opset_version=OPSET, output_names=list(served.outputs), verbose=False,
                custom_translation_table=TRANSLATIONS,
            )  # fmt: skip
        except Exception as error:
            reason = str(error).strip().splitlines() or [type(error).__name__]
            raise ExportError(
                f"expected a module that torch can export for any batch, got: {reason[0]}; mend "
                f"{type(served.module).__name__}.forward"
            ) from error
    assert exported is not None
    model = levelled(exported.model_proto)
    name_batch(model)
    _assert_free(model, served)
    return check(model)


def _assert_free(model: ModelProto, served: Served) -> None:
    """Raise ExportError when an axis that the task says is free came out as a number."""
    for value in model.graph.input:
        for axis, name in served.axes.get(value.name, {}).items():
            dim = value.type.tensor_type.shape.dim[axis]
            if dim.HasField("dim_value"):
                raise ExportError(
                    f"expected a free axis {name!r} at {axis} of {value.name!r}, got {dim.dim_value}; "
                    "mend the module"
                )


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence two lines of noise: torchvision is not needed, and torch 2.13 uses its own deprecated names."""
    registration = logging.getLogger("torch.onnx._internal.exporter._registration")
    before = registration.level
    registration.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "`isinstance.treespec, LeafSpec.`", FutureWarning)
            yield
    finally:
        registration.setLevel(before)
