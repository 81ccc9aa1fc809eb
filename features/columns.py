"""Columns: what a raw input is (name, kind, unit, levels), and the two types in which every input travels."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

import numpy as np
import pandas as pd

from features.errors import FeatureError, shown

Kind = Literal["number", "category"]

MISSING = ""
"""A missing category. ONNX has no missing string, so the empty one stands for it from here to the service."""

_NUMBER_TYPES = {"floating", "integer", "mixed-integer-float", "boolean", "decimal", "empty"}


@dataclass(frozen=True)
class Column:
    """One raw input: a field that a page shows and a model reads.

    `levels` are the allowed categories, worst to best if `ordered`; empty means that any text is allowed.
    Raises FeatureError for a number with levels, an ordered column without, or a level twice, empty or with
    white space that `as_text` folds.
    """

    name: str
    kind: Kind
    unit: str | None = None
    levels: tuple[str, ...] = ()
    ordered: bool = False

    def __post_init__(self) -> None:
        if self.kind not in ("number", "category"):
            raise FeatureError(f"column {self.name!r}: kind is 'number' or 'category', not {self.kind!r}")
        if self.kind == "number" and (self.levels or self.ordered):
            raise FeatureError(f"column {self.name!r} is a number and has levels; make it a category")
        if self.ordered and len(self.levels) < 2:
            raise FeatureError(f"column {self.name!r} is ordered: list two levels or more, worst to best")
        if any(level != _fold(level) for level in self.levels):
            raise FeatureError(f"column {self.name!r}: a level has white space to spare: {self.levels}")
        if MISSING in self.levels or len(set(self.levels)) < len(self.levels):
            raise FeatureError(f"column {self.name!r}: levels are different and not empty: {self.levels}")

    def to_dict(self) -> dict[str, Any]:
        """The column as JSON takes it; `from_dict` is the inverse."""
        return {**asdict(self), "levels": list(self.levels)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The column that `to_dict` wrote, read back from JSON."""
        return cls(**{**data, "levels": tuple(data.get("levels", ()))})


def raw_inputs(frame: pd.DataFrame, columns: Sequence[Column]) -> pd.DataFrame:
    """Exactly what the graph and the service get, in the order of `columns`, with the index of `frame`.

    Numbers are float32 with NaN for missing; categories are str objects with "" for missing.
    Raises FeatureError naming a column that is missing, or a value of the wrong type and its row.
    """
    absent = [c.name for c in columns if c.name not in frame.columns]
    if absent:
        raise FeatureError(f"the table lacks the column {absent[0]!r} ({len(absent)} absent in all)")
    typed = {
        c.name: as_number(frame[c.name]).astype("float32") if c.kind == "number" else as_text(frame[c.name])
        for c in columns
    }
    return pd.DataFrame(typed, index=frame.index)


def as_number(values: "pd.Series[Any]") -> "pd.Series[float]":
    """The values as float64 with NaN for missing; true and false are 1 and 0.

    Raises FeatureError naming the first value that is not a number: text is never parsed here.
    """
    if pd.api.types.infer_dtype(values, skipna=True) not in _NUMBER_TYPES:
        _reject(values, "a number", _is_number)
    return pd.Series(values.to_numpy(dtype="float64", na_value=np.nan), index=values.index, name=values.name)


def as_text(values: "pd.Series[Any]") -> "pd.Series[str]":
    """The values as str objects with "" for missing; whole numbers and true/false as JSON spells them.

    White space is folded as the scraper and the service fold it: a run is one space, none at the ends.
    Raises FeatureError naming the first value that is neither: 60.0 has no one spelling.
    """
    objects = values.astype(object)
    kind = pd.api.types.infer_dtype(objects, skipna=True)
    if kind not in ("string", "empty"):
        known = objects.notna()
        if kind not in ("integer", "boolean"):
            _reject(objects, "text", _is_label)
        objects = objects.where(~known, objects[known].map(_spell))
    return objects.where(objects.notna(), MISSING).map(_fold)


def is_constant(values: "pd.Series[Any]", column: Column) -> bool:
    """True if a model could learn nothing from it: no two of the `values` (raw or typed) differ.

    Missing counts as a value where the encoder keeps it as one: in an unordered category.
    """
    known = values[values.notna() & (values != MISSING)]
    own_value = column.kind == "category" and not column.ordered and len(known) < len(values)
    return known.nunique() + own_value < 2


def _spell(value: object) -> str:
    return str(value).lower() if isinstance(value, bool | np.bool_) else str(value)


def _fold(text: str) -> str:
    return " ".join(text.split())


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.number | np.bool_)


def _is_label(value: object) -> bool:
    return isinstance(value, str | int | np.integer | np.bool_)


def _reject(values: "pd.Series[Any]", expected: str, accepts: Any) -> None:
    for row, value in values[values.notna()].items():
        if not accepts(value):
            message = f"column {values.name!r}, row {shown(row)}: expected {expected}, got {shown(value)}"
            raise FeatureError(f"{message}; mend the field's type in the site spec")
