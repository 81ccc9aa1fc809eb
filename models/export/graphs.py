"""ONNX graphs put together: one opset, names apart, one graph after another."""

from collections.abc import Mapping

import onnx
from onnx import ModelProto, TensorProto, compose, helper, version_converter

from models.errors import ExportError

OPSET = 20
ML_OPSET = 5
"""Of ai.onnx.ml: the first whose trees may add up in double precision."""

IR_VERSION = 10


def levelled(model: ModelProto) -> ModelProto:
    """Return ``model`` at this project's opset and IR version, without notes on where it was made."""
    if _opset(model) != OPSET:
        model = version_converter.convert_version(model, OPSET)
    domains = {entry.domain for entry in model.opset_import} - {"", "ai.onnx"}
    level = ModelProto()
    level.CopyFrom(model)
    del level.opset_import[:]
    level.opset_import.append(helper.make_opsetid("", OPSET))
    for domain in sorted(domains):
        versions = [entry.version for entry in model.opset_import if entry.domain == domain]
        lifted = ML_OPSET if domain == "ai.onnx.ml" else 1
        level.opset_import.append(helper.make_opsetid(domain, max(*versions, lifted)))
    level.ir_version = IR_VERSION
    _forget(level)
    return level


def join(first: ModelProto, second: ModelProto, wires: Mapping[str, str]) -> ModelProto:
    """Return one graph in which ``wires`` (output of ``first`` -> input of ``second``) connect two.

    Outputs of ``first`` that no wire takes are dropped. Raises ExportError when the names do not fit.
    """
    try:
        joined = compose.merge_models(
            levelled(first), levelled(second), io_map=list(wires.items()),
            outputs=[output.name for output in second.graph.output],
        )  # fmt: skip
    except ValueError as error:
        raise ExportError(
            f"expected graphs that fit together, got {error}; check the names of {dict(wires)}"
        ) from error
    return levelled(joined)


def prefixed(model: ModelProto, prefix: str) -> ModelProto:
    """Return ``model`` with ``prefix`` before every inner name; its inputs and outputs keep theirs."""
    return compose.add_prefix(model, prefix, rename_inputs=False, rename_outputs=False)


def name_batch(model: ModelProto) -> None:
    """Call the first axis of every input and output ``batch``, in place.

    Raises ExportError when an exporter froze it to a number.
    """
    for value in [*model.graph.input, *model.graph.output]:
        axes = value.type.tensor_type.shape.dim
        if not axes or axes[0].HasField("dim_value"):
            raise ExportError(
                f"expected a free batch axis first in {value.name!r}, got {_axes(axes)}; mend the module"
            )
        axes[0].dim_param = "batch"


def check(model: ModelProto) -> ModelProto:
    """Return ``model`` when ONNX's checker and shape inference accept it; raises ExportError otherwise."""
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ExportError(f"expected a valid graph, got: {str(error).splitlines()[0]}") from error
    return model


def tensor_types(model: ModelProto) -> dict[str, str]:
    """Return each input's element type by name, as ONNX spells it: FLOAT, STRING, INT64."""
    return {
        value.name: TensorProto.DataType.Name(value.type.tensor_type.elem_type) for value in model.graph.input
    }


def _opset(model: ModelProto) -> int:
    return max((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=0)


def _forget(model: ModelProto) -> None:
    """Drop what exporters note about source files: it names folders of the machine, and changes by run."""
    del model.metadata_props[:]
    graph = model.graph
    for part in [
        model,
        graph,
        *graph.node,
        *graph.input,
        *graph.output,
        *graph.value_info,
        *graph.initializer,
    ]:
        if hasattr(part, "metadata_props"):
            del part.metadata_props[:]
        part.ClearField("doc_string")


def _axes(axes: object) -> list[str]:
    return [axis.dim_param or str(axis.dim_value) for axis in axes]  # type: ignore[attr-defined]
