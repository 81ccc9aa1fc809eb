"""Read an Open Inference Protocol V2 request: the bytes of an HTTP body to arrays by input name.

Covers JSON tensors and the binary tensor data extension. One addition: where the bundle says that a value
may be missing, JSON null stands for it (NaN or ""), since JSON has no NaN.
Source: https://github.com/kserve/open-inference-protocol and Triton's docs/protocol/extension_binary_data.md
"""

from math import prod
from typing import Any, NamedTuple

from numpy.typing import NDArray

from serving import tensors
from serving.body import parse_json
from serving.bundle import Bundle, Input
from serving.errors import InvalidInputError, TooLargeError, UnsupportedError

_WHOLE = {int}
JSON_SIZE_HEADER = "Inference-Header-Content-Length"

Arrays = dict[str, NDArray[Any]]

_NONE: dict[str, Any] = {}


class InferRequest(NamedTuple):
    """What a client asks: arrays by input name, and the outputs it wants, each as binary (True) or JSON.

    `timeout_s` is how long it will wait, None as long as the service lets it.
    """

    id: str | None
    arrays: Arrays
    outputs: dict[str, bool]
    timeout_s: float | None = None


def read_json_size(header: str | None) -> int | None:
    """The value of the Inference-Header-Content-Length header in bytes; None when it was not sent."""
    if header is None:
        return None
    if not (header.isascii() and header.isdigit() and len(header) <= 18):
        raise InvalidInputError(f"{JSON_SIZE_HEADER} must be a whole number of bytes, got {header[:40]!r}")
    return int(header)


def read_request(body: bytes, json_size: int | None, bundle: Bundle, *, max_rows: int) -> InferRequest:
    """Read an inference request for the model of `bundle`.

    Raises InvalidInputError naming the input or output at fault, TooLargeError over `max_rows` rows.
    """
    if json_size == 0:
        return _read_raw_request(body, bundle)
    if json_size is not None and json_size > len(body):
        raise InvalidInputError(f"{JSON_SIZE_HEADER} is {json_size}, but the body has only {len(body)} bytes")
    whole = memoryview(body)
    document = parse_json(whole if json_size is None else whole[:json_size])
    if not isinstance(document, dict):
        raise InvalidInputError(f"an inference request is a JSON object, got {tensors.shown(document)}")
    identity = document.get("id")
    if not isinstance(identity, str | None):
        raise InvalidInputError(f"id must be text, got {tensors.shown(identity)}")
    parameters = _parameters(document, "the request")
    tail = _Tail(whole[len(body) if json_size is None else json_size :])
    arrays = _read_inputs(document.get("inputs"), bundle, tail, max_rows)
    tail.finish()
    outputs = read_outputs(
        document.get("outputs"), bundle, _flag(parameters, "binary_data_output", "the request")
    )
    return InferRequest(identity, arrays, outputs, read_timeout_s(parameters))


class _Tail:
    """The raw tensors after the JSON part, taken one after the other."""

    def __init__(self, raw: memoryview) -> None:
        self.raw = raw
        self.at = 0

    def take(self, size: int, what: str) -> memoryview:
        """The next `size` bytes."""
        left = len(self.raw) - self.at
        if size > left:
            raise InvalidInputError(
                f"{what}: binary_data_size is {size}, but {left} bytes are left after the JSON part"
            )
        self.at += size
        return self.raw[self.at - size : self.at]

    def finish(self) -> None:
        """Refuse bytes that belong to no input."""
        if self.at != len(self.raw):
            raise InvalidInputError(f"{len(self.raw) - self.at} bytes follow the last input's binary data")


def _read_inputs(entries: object, bundle: Bundle, tail: _Tail, max_rows: int) -> Arrays:
    """Every input's array; each of the bundle's inputs must come exactly once."""
    if not isinstance(entries, list) or not entries:
        raise InvalidInputError(f"inputs must be a list of tensors, got {tensors.shown(entries)}")
    declared = bundle.inputs_by_name
    arrays: Arrays = {}
    for at, entry in enumerate(entries):
        name = _name(entry, "inputs", at)
        if name not in declared:
            raise InvalidInputError(
                f"inputs[{at}]: {bundle.name} has no input {name!r}, only {_names(declared)}"
            )
        if name in arrays:
            raise InvalidInputError(f"inputs[{at}]: input {name!r} is given twice")
        arrays[name] = _read_input(entry, declared[name], tail, max_rows)
    if len(arrays) != len(declared):
        missing = [name for name in declared if name not in arrays]
        raise InvalidInputError(f"input {missing[0]!r} is missing ({len(missing)} of {len(declared)} are)")
    return arrays


def _read_input(entry: dict[str, Any], declared: Input, tail: _Tail, max_rows: int) -> NDArray[Any]:
    """One input's array, from its JSON data or from the tail."""
    what = f"input {declared.name!r}"
    if entry.get("datatype") != declared.datatype:
        got = tensors.shown(entry.get("datatype"))
        raise InvalidInputError(f"{what}: expected datatype {declared.datatype!r}, got {got}")
    shape = read_shape(entry.get("shape"), declared, what)
    if declared.shape[0] == -1 and shape[0] > max_rows:
        raise TooLargeError(f"{what}: {shape[0]} rows, at most {max_rows} in one request")
    parameters = _parameters(entry, what)
    if "shared_memory_region" in parameters:
        raise UnsupportedError(f"{what}: shared memory is not supported, send the data")
    size = parameters.get("binary_data_size")
    if size is None:
        return tensors.from_data(entry.get("data"), shape, declared)
    if type(size) is not int or size < 0:
        raise InvalidInputError(
            f"{what}: binary_data_size must be a number of bytes, got {tensors.shown(size)}"
        )
    if entry.get("data") is not None:
        raise InvalidInputError(f"{what}: give data or binary_data_size, not both")
    return tensors.from_raw(tail.take(size, what), declared.datatype, shape, what)


def read_shape(shape: object, declared: Input, what: str) -> list[int]:
    """The tensor's shape, checked against the declared one; the rank first, so that products stay small."""
    if not isinstance(shape, list) or not set(map(type, shape)) <= _WHOLE:
        raise InvalidInputError(f"{what}: shape must be a list of whole numbers, got {tensors.shown(shape)}")
    if not tensors.shape_fits(shape, declared.shape) or min(shape, default=1) < 1:
        raise InvalidInputError(
            f"{what}: expected shape {list(declared.shape)} with -1 being any size from 1, got {shape}"
        )
    return shape


def read_outputs(entries: object, bundle: Bundle, binary: bool) -> dict[str, bool]:
    """The outputs asked for and whether each is wanted as binary; all of them when none is named."""
    declared = bundle.outputs_by_name
    if entries is None or entries == []:
        return dict.fromkeys(declared, binary)
    if not isinstance(entries, list):
        raise InvalidInputError(f"outputs must be a list, got {tensors.shown(entries)}")
    outputs: dict[str, bool] = {}
    for at, entry in enumerate(entries):
        name = _name(entry, "outputs", at)
        if name not in declared:
            raise InvalidInputError(
                f"outputs[{at}]: {bundle.name} has no output {name!r}, only {_names(declared)}"
            )
        if name in outputs:
            raise InvalidInputError(f"outputs[{at}]: output {name!r} is asked for twice")
        parameters = _parameters(entry, f"output {name!r}")
        if {"classification", "shared_memory_region"} & parameters.keys():
            raise UnsupportedError(f"output {name!r}: only binary_data is supported as a parameter")
        outputs[name] = _flag(parameters, "binary_data", f"output {name!r}", default=binary)
    return outputs


def _name(entry: object, where: str, at: int) -> str:
    """The name of one entry of `inputs` or `outputs`."""
    if not isinstance(entry, dict):
        raise InvalidInputError(f"{where}[{at}] must be an object, got {tensors.shown(entry)}")
    name = entry.get("name")
    if not isinstance(name, str):
        raise InvalidInputError(f"{where}[{at}]: name must be text, got {tensors.shown(name)}")
    return name


def _names(names: Any) -> str:
    """A few names for a message."""
    known = list(names)
    return ", ".join(map(repr, known[:5])) + (f" and {len(known) - 5} more" if len(known) > 5 else "")


def _parameters(entry: dict[str, Any], what: str) -> dict[str, Any]:
    """The parameters object of a request, input or output."""
    parameters = entry.get("parameters")
    if parameters is None:
        return _NONE
    if not isinstance(parameters, dict):
        raise InvalidInputError(f"{what}: parameters must be an object, got {tensors.shown(parameters)}")
    for key, value in parameters.items():
        if not isinstance(value, str | int | float | bool):
            raise InvalidInputError(
                f"{what}: parameter {key!r} must be text, a number or a boolean, got {tensors.shown(value)}"
            )
    return parameters


def _flag(parameters: dict[str, Any], key: str, what: str, *, default: bool = False) -> bool:
    """A boolean parameter."""
    if key not in parameters:
        return default
    value = parameters[key]
    if not isinstance(value, bool):
        raise InvalidInputError(f"{what}: {key} must be true or false, got {tensors.shown(value)}")
    return value


def read_timeout_s(parameters: dict[str, Any]) -> float | None:
    """Triton's parameter `timeout`, a whole number of microseconds, in seconds; None without it or when 0."""
    if "timeout" not in parameters:
        return None
    value = parameters["timeout"]
    if type(value) is not int or value < 0:
        raise InvalidInputError(
            f"the request: timeout must be a number of microseconds, got {tensors.shown(value)}"
        )
    return value / 1e6 if value else None


def _read_raw_request(body: bytes, bundle: Bundle) -> InferRequest:
    """A body that is, whole, the raw data of a model's only input; one row, answered in binary.

    A BYTES input takes the body as its one element, without a length before it, as Triton does.
    """
    if len(bundle.inputs) != 1:
        raise InvalidInputError(
            f"{JSON_SIZE_HEADER} 0 needs a model of one input; this has {len(bundle.inputs)}"
        )
    (declared,) = bundle.inputs
    what = f"input {declared.name!r}"
    shape = [1, *declared.shape[1:]]
    if declared.datatype == "BYTES":
        if shape.count(1) != len(shape):
            raise InvalidInputError(
                f"{what}: a raw BYTES body is one element, the input is {list(declared.shape)}"
            )
        array = tensors.text_array([tensors.text(memoryview(body), what)]).reshape(shape)
    else:
        if shape.count(-1) > 1:
            raise InvalidInputError(f"{what}: a raw body cannot tell the sizes of {list(declared.shape)}")
        row = prod(size for size in shape if size != -1) * tensors.DTYPES[declared.datatype].itemsize
        shape = [max(1, len(body) // row) if size == -1 else size for size in shape]
        array = tensors.from_raw(memoryview(body), declared.datatype, shape, what)
    return InferRequest(None, {declared.name: array}, {output.name: True for output in bundle.outputs})
