"""Tensors on the wire: Open Inference Protocol datatypes to and from numpy, JSON values and raw bytes.

Raw layout as the protocol's binary tensor data extension has it: little-endian, row-major, no padding;
BOOL one byte 0 or 1; a BYTES element is its length as a 4-byte unsigned integer, then its bytes.
In numpy a BYTES tensor is an object array of `str`, which is what onnxruntime takes and gives.
"""

import struct
from collections.abc import Callable, Sequence
from itertools import chain
from math import nan, prod
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from serving.bundle import Datatype, Input
from serving.errors import InvalidInputError, TooLargeError

Place = Callable[[int], str]

DTYPES: dict[Datatype, np.dtype[Any]] = {
    "BOOL": np.dtype("?"),
    "UINT8": np.dtype("<u1"),
    "UINT16": np.dtype("<u2"),
    "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"),
    "INT8": np.dtype("<i1"),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "FP16": np.dtype("<f2"),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
    "BYTES": np.dtype(object),
}
JSON_WORDS = {
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "an object",
}
_KINDS: dict[str, set[type]] = {"b": {bool}, "u": {int}, "i": {int}, "f": {int, float}, "O": {str}}
_EXPECTED = {"b": "true or false", "u": "a whole number", "i": "a whole number", "f": "a number", "O": "text"}
MAX_TEXT_BYTES = 1_000_000
"""Of one text in a tensor or a record; in JSON its characters are counted."""
_LENGTH = struct.Struct("<I")


def shown(value: object) -> str:
    """A JSON value as a message names it: its kind, and the value itself where that is short."""
    if value is None:
        return "null"
    word = JSON_WORDS.get(type(value), type(value).__name__)
    text = repr(value) if isinstance(value, bool | int | float | str) else ""
    return f"{word} ({text})" if 0 < len(text) <= 40 else word


def from_values(values: list[Any], datatype: Datatype, place: Place, *, nulls: bool = False) -> NDArray[Any]:
    """A flat list of JSON values as a one-dimensional array, which cannot be written to.

    Nothing is coerced but integers to floats and whole floats, which JSON does not tell from integers, to
    integers; with `nulls`, null becomes NaN or "" (floats and BYTES only).
    Raises InvalidInputError, which names a value of another kind or out of range through `place(index)`.
    """
    kinds = set(map(type, values))
    if nulls and type(None) in kinds:
        missing = "" if datatype == "BYTES" else nan
        values = [missing if value is None else value for value in values]
        kinds.discard(type(None))
    dtype = DTYPES[datatype]
    if dtype.kind in "iu" and float in kinds:
        values = [int(value) if is_whole(value) else value for value in values]
        kinds = set(map(type, values))
    if not kinds <= _KINDS[dtype.kind]:
        _refuse_kind(values, datatype, place)
    if datatype == "BYTES" and max(map(len, values), default=0) > MAX_TEXT_BYTES:
        at = next(i for i, value in enumerate(values) if len(value) > MAX_TEXT_BYTES)
        raise TooLargeError(f"{place(at)}: {len(values[at])} characters, at most {MAX_TEXT_BYTES} in a text")
    try:
        if dtype.kind == "f":
            # Twice as fast as numpy, which moreover only warns where a number becomes infinite.
            return np.frombuffer(struct.pack(f"<{len(values)}{dtype.char}", *values), dtype)
        return np.array(values, dtype)
    except (OverflowError, struct.error):
        _refuse_range(values, datatype, place)


def from_data(data: object, shape: Sequence[int], declared: Input) -> NDArray[Any]:
    """An array of `shape` (every size >= 1) for an input from a flat or nested JSON list, row by row.

    Raises InvalidInputError and TooLargeError, beginning with the input's name, as `flatten` and
    `from_values` do.
    """
    what = f"input {declared.name!r}"
    values = flatten(data, shape, what)
    nulls = declared.may_be_missing
    array = from_values(values, declared.datatype, lambda i: f"{what}, value {i}", nulls=nulls)
    return array.reshape(shape)


def is_whole(value: object) -> bool:
    """Whether a JSON value is an integer, be it written with a point: 4 and 4.0 are, true is not.

    A float beyond 2**53 is not: it may be what a reader made of an integer that it could not hold.
    """
    return type(value) is int or (type(value) is float and value.is_integer() and abs(value) <= 2**53)


def _refuse_kind(values: list[Any], datatype: Datatype, place: Place) -> NoReturn:
    """Name the first value whose JSON kind does not fit the datatype."""
    kind = DTYPES[datatype].kind
    at = next(i for i, value in enumerate(values) if type(value) not in _KINDS[kind])
    raise InvalidInputError(f"{place(at)}: expected {_EXPECTED[kind]} ({datatype}), got {shown(values[at])}")


def _refuse_range(values: list[Any], datatype: Datatype, place: Place) -> NoReturn:
    """Name the first number outside the datatype's range."""
    dtype = DTYPES[datatype]
    low, high = limits(dtype)
    # A missing value, NaN, is neither below nor above.
    at = next(i for i, value in enumerate(values) if value < low or value > high)
    raise InvalidInputError(f"{place(at)}: {values[at]} is outside {datatype}, {low} to {high}")


def limits(dtype: np.dtype[Any]) -> tuple[float, float] | tuple[int, int]:
    """The smallest and largest number of a float or integer type."""
    if dtype.kind == "f":
        return float(np.finfo(dtype).min), float(np.finfo(dtype).max)
    return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)


def shape_fits(shape: Sequence[int], declared: Sequence[int]) -> bool:
    """Whether the ranks agree and every declared size but -1 is met."""
    if len(shape) != len(declared):
        return False
    for got, size in zip(shape, declared, strict=True):  # noqa: SIM110 - a generator takes twice as long
        if size != got and size != -1:
            return False
    return True


def flatten(data: object, shape: Sequence[int], what: str) -> list[Any]:
    """The values of a flat or nested JSON list, row by row, checked against `shape` (every size >= 1).

    Raises InvalidInputError, beginning with `what`, when a list is ragged or holds more or fewer values.
    """
    if not isinstance(data, list):
        raise InvalidInputError(f"{what}: data must be a list, got {shown(data)}")
    values = data
    if len(shape) > 1 and data and type(data[0]) is list:
        for axis, size in enumerate(shape[1:], start=1):
            if axis == 1 and len(values) != shape[0]:
                raise InvalidInputError(
                    f"{what}: shape {list(shape)} needs {shape[0]} rows, data has {len(values)}"
                )
            if any(type(row) is not list or len(row) != size for row in values):
                raise InvalidInputError(
                    f"{what}: nested data is not {list(shape)} throughout (axis {axis} differs)"
                )
            values = list(chain.from_iterable(values))
    if len(values) != prod(shape):
        raise InvalidInputError(
            f"{what}: shape {list(shape)} needs {prod(shape)} values, data has {len(values)}"
        )
    return values


def from_raw(raw: memoryview, datatype: Datatype, shape: Sequence[int], what: str) -> NDArray[Any]:
    """An array of `shape` (every size >= 1) from its raw bytes; fixed-size types share memory with `raw`.

    Raises InvalidInputError, beginning with `what`, when sizes disagree, a BOOL is neither 0 nor 1 or a
    BYTES element passes the end or is not UTF-8.
    """
    if datatype == "BYTES":
        return _texts_from_raw(raw, prod(shape), what).reshape(shape)
    dtype = DTYPES[datatype]
    expected = prod(shape) * dtype.itemsize
    if len(raw) != expected:
        raise InvalidInputError(
            f"{what}: {datatype} of shape {list(shape)} takes {expected} bytes, binary data has {len(raw)}"
        )
    if datatype == "BOOL" and max(raw) > 1:
        raise InvalidInputError(f"{what}: a BOOL byte must be 0 or 1, got {max(raw)}")
    return np.frombuffer(raw, dtype).reshape(shape)


def _texts_from_raw(raw: memoryview, count: int, what: str) -> NDArray[Any]:
    """The `count` length-prefixed texts that `raw` must consist of."""
    texts: list[str] = []
    at = 0
    while at < len(raw) and len(texts) < count:
        end = at + _LENGTH.size
        if end <= len(raw):
            (size,) = _LENGTH.unpack_from(raw, at)
            at, end = end, end + size
        if end > len(raw):
            raise InvalidInputError(f"{what}: element {len(texts)} ends at byte {end} of {len(raw)}")
        texts.append(text(raw[at:end], f"{what}: element {len(texts)}"))
        at = end
    if len(texts) != count or at != len(raw):
        left = len(raw) - at
        raise InvalidInputError(
            f"{what}: expected {count} BYTES elements, got {len(texts)} and {left} bytes more"
        )
    return text_array(texts)


def text(raw: memoryview, what: str) -> str:
    """UTF-8 as text; a graph's string tensors know no other encoding.

    Raises InvalidInputError, TooLargeError over MAX_TEXT_BYTES.
    """
    if len(raw) > MAX_TEXT_BYTES:
        raise TooLargeError(f"{what}: {len(raw)} bytes, at most {MAX_TEXT_BYTES} in a text")
    try:
        return str(raw, "utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{what} is not UTF-8 at byte {error.start}") from None


def text_array(texts: list[str]) -> NDArray[Any]:
    """Texts as the object array that onnxruntime takes."""
    return np.array(texts, object)


def to_raw(array: NDArray[Any]) -> bytes:
    """The raw bytes of a tensor; texts as length-prefixed UTF-8."""
    if array.dtype.kind not in "OU":
        return array.tobytes()
    parts = [str(text).encode() for text in array.ravel()]
    return b"".join(chain.from_iterable((_LENGTH.pack(len(part)), part) for part in parts))


def to_flat(array: NDArray[Any]) -> NDArray[Any] | list[Any]:
    """The values row by row, in a form that orjson writes; it writes a number that is not finite as null."""
    if array.dtype.kind in "OU":
        return array.ravel().tolist()
    return np.ascontiguousarray(array).ravel()
