"""Columns and raw inputs: the two types of every input, and what a wrong value says."""

import json

import numpy as np
import pandas as pd
import pytest

from features.columns import Column, raw_inputs
from features.errors import FeatureError

AREA = Column("area", "number", unit="sqft")
QUALITY = Column("quality", "category", levels=("Poor", "Fair", "Good"), ordered=True)
STREET = Column("street", "category")


def test_a_column_survives_json() -> None:
    for column in (AREA, QUALITY, STREET):
        assert Column.from_dict(json.loads(json.dumps(column.to_dict()))) == column


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"kind": "text"}, "'number' or 'category', not 'text'"),
        ({"kind": "number", "levels": ("a", "b")}, "is a number and has levels"),
        ({"kind": "category", "ordered": True}, "list two levels or more"),
        ({"kind": "category", "levels": ("a", "a")}, "different and not empty"),
        ({"kind": "category", "levels": ("", "a")}, "different and not empty"),
        ({"kind": "category", "levels": ("a", "b  c")}, "white space to spare"),
    ],
)
def test_a_contradictory_column_is_refused(wrong: dict, says: str) -> None:
    with pytest.raises(FeatureError, match=says):
        Column("x", **wrong)


def test_numbers_are_float32_with_nan_and_categories_text_with_empty() -> None:
    frame = pd.DataFrame({"street": ["Elm", None], "area": [1200, None], "other": [1, 2]}, index=[7, 9])
    raw = raw_inputs(frame, [AREA, STREET])
    assert list(raw.columns) == ["area", "street"]
    assert raw["area"].dtype == np.float32
    assert np.isnan(raw["area"][9])
    assert raw["street"].tolist() == ["Elm", ""]
    assert raw["street"].dtype == object
    pd.testing.assert_frame_equal(raw_inputs(raw, [AREA, STREET]), raw)


def test_white_space_in_a_category_is_folded_and_nothing_else() -> None:
    texts = [" Elm  Street\n", "Elm\N{NO-BREAK SPACE}Street", "elm street", "  ", None, "Elm, Street"]
    raw = raw_inputs(pd.DataFrame({"street": texts}), [STREET])
    assert raw["street"].tolist() == ["Elm Street", "Elm Street", "elm street", "", "", "Elm, Street"]


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "int32", "float64", "object", "bool", "boolean"])
def test_every_number_type_of_pandas_is_a_number(dtype: str) -> None:
    values = pd.Series([1, 0, 1]).astype(dtype)
    assert raw_inputs(pd.DataFrame({"area": values}), [AREA])["area"].tolist() == [1.0, 0.0, 1.0]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pd.Series(["a", None], dtype="category"), ["a", ""]),
        (pd.Series(["a", pd.NA], dtype="string"), ["a", ""]),
        (pd.Series([20, 60]), ["20", "60"]),
        (pd.Series([True, None]), ["true", ""]),
        (pd.Series([True, False]), ["true", "false"]),
        (pd.Series([None, np.nan]), ["", ""]),
        (pd.Series(["a", 20]), ["a", "20"]),
    ],
)
def test_every_label_type_of_pandas_is_text(values: pd.Series, expected: list[str]) -> None:
    assert raw_inputs(pd.DataFrame({"street": values}), [STREET])["street"].tolist() == expected


def test_a_missing_column_is_named() -> None:
    with pytest.raises(FeatureError, match="lacks the column 'area'"):
        raw_inputs(pd.DataFrame({"street": ["a"]}), [AREA, STREET])


@pytest.mark.parametrize(
    ("column", "values", "says"),
    [
        (AREA, [3.0, "1,200 sqft"], r"'area', row 1: expected a number, got '1,200 sqft'"),
        (AREA, ["12", "13"], r"'area', row 0: expected a number, got '12'"),
        (STREET, ["a", 3.5], r"'street', row 1: expected text, got 3.5"),
        (STREET, [60.0, 20.0], r"'street', row 0: expected text, got 60.0"),
    ],
)
def test_a_value_of_the_wrong_type_is_named_with_its_row(column: Column, values: list, says: str) -> None:
    with pytest.raises(FeatureError, match=says) as error:
        raw_inputs(pd.DataFrame({column.name: values}), [column])
    assert "\n" not in str(error.value)
