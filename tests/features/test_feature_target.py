"""The target's kind: told, or by its type."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.errors import FeatureError
from features.target import check_target, target_kind


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1.5, 2.0], "number"),
        ([1, 2], "number"),
        (pd.array([1, None], dtype="Int64"), "number"),
        (np.array([1.0, None], dtype=object), "number"),
        ([True, False], "category"),
        (["a", "b"], "category"),
        (pd.Categorical(["a", "b"]), "category"),
    ],
)
def test_the_type_tells(values: Any, kind: str) -> None:
    assert target_kind(pd.Series(values)) == kind


def test_the_caller_knows_better() -> None:
    assert target_kind(pd.Series([0, 1]), told="category") == "category"
    with pytest.raises(FeatureError, match="row 1: expected a number, got 'b'"):
        target_kind(pd.Series([1.0, "b"]), told="number")
    with pytest.raises(FeatureError, match="not 'regression'"):
        target_kind(pd.Series([0, 1]), told="regression")  # type: ignore[arg-type]


def test_no_rows_are_no_contrast() -> None:
    with pytest.raises(FeatureError, match="is constant in 0 rows"):
        check_target(pd.Series([], dtype="float64", name="y"), "number")
