"""What is to be predicted: a number or a category, told by its type, and fit to learn from."""

from typing import Any, Literal

import numpy as np
import pandas as pd

from features.columns import as_number
from features.errors import FeatureError, shown

TargetKind = Literal["number", "category"]


def target_kind(y: "pd.Series[Any]", *, told: TargetKind | None = None) -> TargetKind:
    """`told`, or by the type: numbers are "number" (class labels 0, 1, 2 too: say so), all else "category".

    Raises FeatureError if `told` is another word, or is "number" and a value is none: that one is named.
    """
    if told not in (None, "number", "category"):
        raise FeatureError(f"the target's kind is 'number' or 'category', not {told!r}")
    if told == "number":
        as_number(y)
    numeric = pd.api.types.infer_dtype(y, skipna=True) in ("floating", "integer", "mixed-integer-float")
    return told or ("number" if numeric else "category")


def check_target(y: "pd.Series[Any]", kind: TargetKind, *, positive: bool = False) -> None:
    """Raises FeatureError for a missing, infinite or (if `positive`) not positive value, and for no contrast.

    No contrast is a constant, or one class only. The message names the first bad row by its index.
    """
    _reject_rows(y, y.isna(), "is missing; drop the row or mend its selector")
    if kind == "number":
        _reject_rows(y, y.abs() == np.inf, "is not finite; mend its selector")
        if positive:
            _reject_rows(
                y, y <= 0, "is not above 0, which its log scale needs; drop the row or mend its selector"
            )
    if y.nunique() < 2:
        what = "is constant" if kind == "number" else "has one class only"
        value = f", {shown(y.iloc[0])}" if len(y) else ""
        raise FeatureError(
            f"target {y.name!r} {what}{value} in {len(y)} rows; expected two values or more to learn from"
        )


def _reject_rows(y: "pd.Series[Any]", bad: "pd.Series[bool]", says: str) -> None:
    if bad.any():
        row = bad.idxmax()
        raise FeatureError(
            f"target {y.name!r}, row {shown(row)} ({int(bad.sum())} of {len(y)} rows): {shown(y[row])} {says}"
        )
