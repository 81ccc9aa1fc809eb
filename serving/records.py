"""Records, as people write them, to the graph's arrays, and its answers back to one object a record."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving import tensors
from serving.bundle import Bundle, Datatype, Input, Output
from serving.errors import InvalidInputError, TooLargeError
from serving.infer_request import Arrays


def read_records(document: object, bundle: Bundle, *, max_rows: int) -> Arrays:
    """Arrays by input name from one JSON object or a list of them; a key left out or null is a missing value.

    White space in a category is folded: a run is one space, none at the ends, as it was in training.
    Raises InvalidInputError naming the record (from 0) and the field, TooLargeError over `max_rows` records.
    """
    records: list[Any] = document if isinstance(document, list) else [document]
    if not records:
        raise InvalidInputError("expected at least one record, got an empty list")
    if len(records) > max_rows:
        raise TooLargeError(f"{len(records)} records, at most {max_rows} in one request")
    for at, record in enumerate(records):
        if not isinstance(record, dict):
            raise InvalidInputError(f"record {at}: expected an object, got {tensors.shown(record)}")
        if not record.keys() <= bundle.inputs_by_name.keys():
            _refuse_unknown(record, at, bundle)
    arrays = {field.name: _column(records, field) for field in bundle.others}
    for datatype, names in bundle.blocks.items():
        arrays |= _block(records, datatype, names)
    return arrays


def _block(records: list[dict[str, Any]], datatype: Datatype, names: tuple[str, ...]) -> Arrays:
    """The arrays of inputs of one type whose values may be missing, read in one go."""
    rows = len(records)
    values = [record.get(name) for name in names for record in records]
    read = tensors.from_values(
        values, datatype, lambda at: f"record {at % rows}: field {names[at // rows]!r}", nulls=True
    )
    if datatype == "BYTES":
        read = tensors.text_array([" ".join(text.split()) for text in read])
    return dict(zip(names, read.reshape(len(names), rows, 1), strict=True))


def _refuse_unknown(record: dict[str, Any], at: int, bundle: Bundle) -> None:
    """Name the field that the model does not have."""
    unknown = next(name for name in record if name not in bundle.inputs_by_name)
    raise InvalidInputError(
        f"record {at}: {bundle.name} has no field {unknown[:80]!r}; GET /models/{bundle.name} lists them"
    )


def _column(records: list[dict[str, Any]], field: Input) -> NDArray[Any]:
    """One input's array over all records."""
    name = field.name
    values = [record.get(name) for record in records]
    if not field.may_be_missing and None in values:
        raise InvalidInputError(f"record {values.index(None)}: field {name!r} is missing and has to be given")
    if field.kind == "tensor":
        return _stack(values, field)
    nulls = field.may_be_missing
    column = tensors.from_values(
        values, field.datatype, lambda at: f"record {at}: field {name!r}", nulls=nulls
    )
    if field.kind == "category":
        column = tensors.text_array([" ".join(text.split()) for text in column])
    return column.reshape(len(records), *field.shape[1:])


def _stack(values: list[object], field: Input) -> NDArray[Any]:
    """One input's tensors, one a record, which must agree in shape."""
    rows = [_tensor(value, field, f"record {at}: field {field.name!r}") for at, value in enumerate(values)]
    for at, row in enumerate(rows):
        if row.shape != rows[0].shape:
            raise InvalidInputError(
                f"record {at}: field {field.name!r} has shape {row.shape}, in record 0 {rows[0].shape}"
            )
    return np.stack(rows)


def _tensor(value: object, field: Input, what: str) -> NDArray[Any]:
    """One record's tensor from nested lists; a size of -1 is taken from the lists themselves."""
    declared = field.shape[1:]
    shape: list[int] = []
    inner = value
    for _ in declared:
        if not isinstance(inner, list) or not inner:
            raise InvalidInputError(
                f"{what}: expected lists nested as {list(declared)}, got {tensors.shown(inner)}"
            )
        shape.append(len(inner))
        inner = inner[0]
    if not tensors.shape_fits(shape, declared):
        raise InvalidInputError(f"{what}: expected shape {list(declared)}, got {shape}")
    values = tensors.flatten(value if declared else [value], shape, what)
    return tensors.from_values(values, field.datatype, lambda at: f"{what}, value {at}").reshape(shape)


def write_predictions(bundle: Bundle, results: Arrays) -> list[dict[str, Any]]:
    """One object a row: a value for each output, an object by label where the bundle names the labels.

    Values are numpy scalars and arrays, which orjson writes as short as their precision allows.
    """
    columns = [(output.name, _answers(results[output.name], output)) for output in bundle.outputs]
    names = [name for name, _ in columns]
    return [
        dict(zip(names, row, strict=True)) for row in zip(*(column for _, column in columns), strict=True)
    ]


def _answers(array: NDArray[Any], output: Output) -> list[Any]:
    """One answer a row of one output."""
    if output.labels is not None and array.ndim == 2 and array.shape[1] == len(output.labels):
        return [dict(zip(output.labels, row, strict=True)) for row in array]
    if array.size == len(array):
        array = array.reshape(len(array))
    # Floats stay numpy's, for their precision; onnxruntime's INT64 is a C type that orjson does not know.
    return list(array) if array.dtype.kind == "f" else array.tolist()
