import numpy as np
import pandas as pd
import pytest

from features.columns import Column
from features.derive import check_formulas, formula_inputs, sources, with_derived
from features.errors import FeatureError

RAW = pd.DataFrame(
    {
        "a": np.array([1, 2, np.nan], dtype="float32"),
        "b": np.array([10, 0.5, 3], dtype="float32"),
        "kind": ["x", "", "y"],
    }
)


def test_formulas_are_arithmetic_in_float32_and_missing_where_a_part_is() -> None:
    table = with_derived(RAW, {"c": "a + b", "d": "b * (a - 0.5) - 2"})
    assert table["c"].dtype == table["d"].dtype == np.float32
    np.testing.assert_array_equal(table["c"], np.array([11, 2.5, np.nan], dtype="float32"))
    np.testing.assert_array_equal(table["d"], np.array([3, -1.25, np.nan], dtype="float32"))
    assert "c" not in RAW


def test_sources_are_the_raw_columns_each_once() -> None:
    formulas = {"c": "a + b * b", "d": "b - 1"}
    assert formula_inputs(formulas["c"]) == ["a", "b"]
    assert sources(["kind", "d", "c"], formulas) == ["kind", "b", "a"]


@pytest.mark.parametrize(
    "text",
    ["a / b", "a ** 2", "len(a)", "a +", "a.b", "__import__('os')", "a if b else 1", "'a'", "a[0]", "True"],
)
def test_anything_but_arithmetic_is_refused(text: str) -> None:
    with pytest.raises(FeatureError, match="formula 'c'"):
        with_derived(RAW, {"c": text})


def test_a_formula_reads_number_columns_and_takes_no_name() -> None:
    columns = [Column("a", "number"), Column("b", "number"), Column("kind", "category")]
    check_formulas({"c": "a + b"}, columns)
    for formulas, says in (
        ({"c": "a + kind"}, "reads 'kind', which is no number column"),
        ({"c": "a + z"}, "reads 'z'"),
        ({"a": "b + 1"}, "has the name of a column"),
    ):
        with pytest.raises(FeatureError, match=says):
            check_formulas(formulas, columns)
    with pytest.raises(FeatureError, match="has the name of a column"):
        check_formulas({"price": "a + b"}, columns, taken=["price"])
