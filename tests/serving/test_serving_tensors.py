"""Datatypes to and from JSON values and raw bytes."""

import numpy as np
import orjson
import pytest

from serving import tensors
from serving.errors import InvalidInputError

EDGES = {
    "BOOL": [True, False],
    **{
        kind: [int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)]
        for kind, dtype in tensors.DTYPES.items()
        if dtype.kind in "iu"
    },
    **{
        kind: [0.5, float(np.finfo(dtype).max)] for kind, dtype in tensors.DTYPES.items() if dtype.kind == "f"
    },
    "BYTES": ["", "déjà vu\0\U0001f3e0"],
}


def place(index):
    return f"value {index}"


def test_every_datatype_is_covered():
    assert EDGES.keys() == tensors.DTYPES.keys()


@pytest.mark.parametrize("datatype", EDGES)
def test_values_survive_json_and_raw_bytes(datatype):
    array = tensors.from_values(EDGES[datatype], datatype, place)
    assert array.dtype == tensors.DTYPES[datatype]
    assert array.tolist() == EDGES[datatype]
    written = orjson.dumps(tensors.to_flat(array), option=orjson.OPT_SERIALIZE_NUMPY)
    again = tensors.from_values(orjson.loads(written), datatype, place)
    raw = tensors.from_raw(memoryview(tensors.to_raw(array)), datatype, [2, 1], "x")
    assert again.tolist() == array.tolist()
    assert raw.shape == (2, 1)
    assert raw.ravel().tolist() == array.tolist()


@pytest.mark.parametrize(
    ("datatype", "values", "says"),
    [
        ("FP32", [1.0, "2"], r"value 1: expected a number \(FP32\), got text \('2'\)"),
        ("FP32", [1.0, "NaN"], "value 1.*got text"),
        ("FP32", [True], "value 0.*got a boolean"),
        ("FP32", [1, None], "value 1.*got null"),
        ("FP32", [[1.0]], "value 0.*got a list"),
        ("FP32", [0.0, -1e39], "value 1: -1e.39 is outside FP32"),
        ("FP16", [70000], "value 0: 70000 is outside FP16"),
        ("INT64", [4.0, 1.5], "value 1: expected a whole number"),
        ("INT64", [2**63], f"value 0: {2**63} is outside"),
        ("INT8", [0, 128], "value 1: 128 is outside INT8, -128 to 127"),
        ("UINT64", [-1], f"value 0: -1 is outside UINT64, 0 to {2**64 - 1}"),
        ("BOOL", [1], "value 0: expected true or false"),
        ("BYTES", [1], r"value 0: expected text \(BYTES\), got an integer \(1\)"),
        ("BYTES", [{}], "got an object"),
    ],
)
def test_a_value_that_does_not_fit_is_named(datatype, values, says):
    with pytest.raises(InvalidInputError, match=says):
        tensors.from_values(values, datatype, place)


def test_a_whole_number_may_be_written_with_a_point():
    assert tensors.from_values([4.0, 5], "UINT8", place).tolist() == [4, 5]
    with pytest.raises(InvalidInputError, match="value 0: expected a whole number"):
        tensors.from_values([-float(2**63)], "INT64", place)
    with pytest.raises(InvalidInputError, match="value 0: 256 is outside UINT8"):
        tensors.from_values([256.0], "UINT8", place)


def test_null_is_a_missing_value_where_it_may_be():
    numbers = tensors.from_values([1, None], "FP32", place, nulls=True)
    assert np.isnan(numbers).tolist() == [False, True]
    assert tensors.from_values(["a", None], "BYTES", place, nulls=True).tolist() == ["a", ""]


def test_unsigned_integers_beyond_a_float_stay_exact():
    values = [1, 2**63 + 1, 2**64 - 1]
    assert tensors.from_values(values, "UINT64", place).tolist() == values


@pytest.mark.parametrize("data", [[1, 2, 3, 4, 5, 6], [[1, 2, 3], [4, 5, 6]]])
def test_data_may_be_flat_or_nested(data):
    assert tensors.flatten(data, [2, 3], "x") == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({}, "data must be a list, got an object"),
        (None, "data must be a list, got null"),
        ([1, 2], "needs 6 values, data has 2"),
        ([[1, 2, 3]], "needs 2 rows, data has 1"),
        ([[1, 2, 3], [4, 5]], "not .2, 3. throughout"),
        ([[1, 2, 3], 4], "not .2, 3. throughout"),
        ([], "needs 6 values, data has 0"),
    ],
)
def test_data_of_another_shape_is_refused(data, says):
    with pytest.raises(InvalidInputError, match=says):
        tensors.flatten(data, [2, 3], "x")


@pytest.mark.parametrize(
    ("datatype", "raw", "says"),
    [
        ("FP32", b"\0" * 7, "takes 8 bytes, binary data has 7"),
        ("FP32", b"\0" * 9, "takes 8 bytes, binary data has 9"),
        ("BOOL", b"\1\2", "must be 0 or 1, got 2"),
        ("BYTES", b"\1\0\0\0a", "expected 2 BYTES elements, got 1"),
        ("BYTES", b"\1\0\0\0a\5\0\0\0b", "element 1 ends at byte 14 of 10"),
        ("BYTES", b"\1\0\0\0a\1\0", "element 1 ends at byte 9 of 7"),
        ("BYTES", b"\1\0\0\0a\1\0\0\0bc", "and 1 bytes more"),
        ("BYTES", b"\1\0\0\0a\1\0\0\0\xff", "element 1 is not UTF-8 at byte 0"),
        ("BYTES", b"\xff\xff\xff\xff", "element 0 ends at byte 4294967299 of 4"),
    ],
)
def test_raw_bytes_of_another_size_are_refused(datatype, raw, says):
    with pytest.raises(InvalidInputError, match=says):
        tensors.from_raw(memoryview(raw), datatype, [2], "x")
