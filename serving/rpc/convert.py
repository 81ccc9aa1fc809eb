"""Messages of the Open Inference Protocol to arrays, and arrays to messages."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving import tensors
from serving.bundle import Bundle, Datatype, Input
from serving.errors import InvalidInputError, TooLargeError, UnsupportedError
from serving.infer_request import Arrays, InferRequest, read_outputs, read_shape, read_timeout_s
from serving.rpc.messages import message

CONTENTS: dict[Datatype, str] = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
"""The field with the values of each datatype; FP16 has none and comes raw."""


def read_message(request: Any, bundle: Bundle, *, max_rows: int) -> InferRequest:
    """Read a ModelInferRequest for the model of `bundle`; outputs are wanted raw (True) if inputs came raw.

    Raises InvalidInputError naming the input or output at fault, TooLargeError over `max_rows` rows.
    """
    raw = request.raw_input_contents
    if raw and len(raw) != len(request.inputs):
        raise InvalidInputError(
            f"raw_input_contents has {len(raw)} tensors, inputs has {len(request.inputs)}"
        )
    arrays: Arrays = {}
    for at, entry in enumerate(request.inputs):
        declared = bundle.inputs_by_name.get(entry.name)
        if declared is None or entry.name in arrays:
            fault = "is given twice" if declared else f"is none of {bundle.name}"
            raise InvalidInputError(f"inputs[{at}]: input {entry.name[:80]!r} {fault}")
        arrays[entry.name] = _array(entry, declared, raw[at] if raw else None, max_rows)
    missing = [name for name in bundle.inputs_by_name if name not in arrays]
    if missing:
        raise InvalidInputError(f"input {missing[0]!r} is missing")
    for entry in request.outputs:
        if {"classification", "shared_memory_region"} & set(entry.parameters):
            raise UnsupportedError(f"output {entry.name[:80]!r}: its parameters are not supported")
    outputs = read_outputs([{"name": entry.name} for entry in request.outputs], bundle, bool(raw))
    parameters = {name: _parameter(value) for name, value in request.parameters.items()}
    return InferRequest(request.id or None, arrays, outputs, read_timeout_s(parameters))


def _parameter(value: Any) -> Any:
    choice = value.WhichOneof("parameter_choice")
    return None if choice is None else getattr(value, choice)


def _array(entry: Any, declared: Input, raw: bytes | None, max_rows: int) -> NDArray[Any]:
    """One input's array, from its raw bytes or its contents."""
    what = f"input {declared.name!r}"
    if "shared_memory_region" in entry.parameters:
        raise UnsupportedError(f"{what}: shared memory is not supported, send the data")
    if entry.datatype != declared.datatype:
        raise InvalidInputError(
            f"{what}: expected datatype {declared.datatype!r}, got {entry.datatype[:40]!r}"
        )
    shape = read_shape(list(entry.shape), declared, what)
    if shape[0] > max_rows:
        raise TooLargeError(f"{what}: {shape[0]} rows, at most {max_rows} in one request")
    if raw is not None:
        if entry.HasField("contents"):
            raise InvalidInputError(f"{what}: give contents or raw_input_contents, not both")
        return tensors.from_raw(memoryview(raw), declared.datatype, shape, what)
    field = CONTENTS.get(declared.datatype)
    if field is None:
        raise InvalidInputError(f"{what}: {declared.datatype} comes in raw_input_contents only")
    odd = [each.name for each, _ in entry.contents.ListFields() if each.name != field]
    if odd:
        raise InvalidInputError(f"{what}: {declared.datatype} comes in {field}, not in {odd[0]}")
    values = list(getattr(entry.contents, field))
    if declared.datatype == "BYTES":
        values = [tensors.text(memoryview(each), f"{what}: element {i}") for i, each in enumerate(values)]
    flat = tensors.flatten(values, shape, what)
    return tensors.from_values(flat, declared.datatype, lambda i: f"{what}, value {i}").reshape(shape)


def write_message(bundle: Bundle, request: InferRequest, results: Arrays) -> Any:
    """The ModelInferResponse; all outputs raw when one is wanted raw or has no other form."""
    answer = message("ModelInferResponse")(
        model_name=bundle.name, model_version=str(bundle.version), id=request.id or ""
    )
    datatypes = {output.name: output.datatype for output in bundle.outputs}
    raw = any(request.outputs.values()) or any(datatypes[name] not in CONTENTS for name in request.outputs)
    for name in request.outputs:
        array, datatype = results[name], datatypes[name]
        entry = answer.outputs.add(name=name, datatype=datatype, shape=array.shape)
        if raw:
            answer.raw_output_contents.append(tensors.to_raw(array))
        else:
            values = np.ascontiguousarray(array).ravel().tolist()
            if datatype == "BYTES":
                values = [str(each).encode() for each in values]
            getattr(entry.contents, CONTENTS[datatype]).extend(values)
    return answer
