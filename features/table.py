"""The table: one row per key, typed and checked against its columns, and split by a hash of the key."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaError

from features.columns import Column, as_number, as_text, is_constant
from features.errors import FeatureError, shown
from features.target import TargetKind, check_target, target_kind

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


@dataclass(frozen=True)
class Table:
    """A checked table: `frame` holds the key, `columns` and the target, in that order, and nothing else.

    Numbers are float64 with NaN for missing, categories str objects with None for missing; a category target
    is text, a number target float64. `constant` names the columns that were dropped for being constant.
    """

    frame: pd.DataFrame
    columns: tuple[Column, ...]
    constant: tuple[str, ...] = ()


def validate(
    frame: pd.DataFrame,
    columns: Sequence[Column],
    *,
    key: str,
    target: str | None = None,
    target_kind: TargetKind | None = None,
    positive_target: bool = False,
    on_constant: Literal["error", "drop"] = "error",
) -> Table:
    """The table of `columns`, checked; `frame` may have more columns and is left as it is.

    Raises FeatureError, one line that names the column, the key of the first bad row and its value: a column
    that is absent; a key that is missing or comes twice; text in a number, an infinite number; a category
    outside its levels; a target that is missing, constant, of one class or (`positive_target`) not above 0; a
    constant column, unless `on_constant` is "drop".
    """
    _check_names(frame, columns, key, target)
    _check_values(frame, columns, key)
    rows = frame.set_index(key)
    typed = pd.DataFrame({c.name: _typed(rows[c.name], c) for c in columns}, index=rows.index)
    if target is not None:
        typed[target] = _typed_target(rows[target], target_kind, positive=positive_target)
    constant = tuple(c.name for c in columns if is_constant(typed[c.name], c))
    if constant and on_constant == "error":
        raise FeatureError(_constant_message(typed, constant))
    kept = tuple(c for c in columns if c.name not in constant)
    return Table(typed.drop(columns=list(constant)).reset_index(), kept, constant)


def split_by_hash(
    keys: "pd.Series[Any]",
    *,
    fractions: tuple[float, float, float] = (0.70, 0.15, 0.15),
    salt: str = "",
) -> "pd.Series[str]":
    """ "train", "validation" or "test" for each key, with the index of `keys`.

    The rule: u = the first 8 bytes of sha256(salt + key), big-endian, / 2**64; train if u < fractions[0],
    validation if u < fractions[0] + fractions[1], else test. It sees one key at a time, so that a re-crawl
    with more, fewer or reordered rows moves none. Raises FeatureError for a key that is not text, or for
    fractions that are negative or do not add to 1.
    """
    if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-9:
        raise FeatureError(f"fractions are three shares that add to 1, not {fractions}")
    for row, key in keys.items():
        if not isinstance(key, str):
            raise FeatureError(
                f"key {keys.name!r}, row {shown(row)}: expected text, got {shown(key)}; keep it text"
            )
    edges = np.cumsum(fractions[:2])
    parts = np.searchsorted(edges, [hash_uniform(salt + key) for key in keys], side="right")
    return pd.Series(np.array(SPLITS, dtype=object)[parts], index=keys.index, name="split")


def check_part(
    keys: "pd.Series[Any]", part: Split, *, fractions: tuple[float, float, float], salt: str
) -> None:
    """Raises FeatureError naming the first key that `split_by_hash` puts in another part than `part`.

    For what learns: a test row among the train rows would make every later figure too good.
    """
    parts = split_by_hash(keys, fractions=fractions, salt=salt)
    strange = parts != part
    if strange.any():
        row = strange.idxmax()
        raise FeatureError(
            f"key {shown(keys[row])}, row {shown(row)} ({int(strange.sum())} of {len(keys)}) belongs to "
            f"{parts[row]!r}, expected rows of {part!r} alone; run the stage prepare again"
        )


def hash_uniform(text: str) -> float:
    """A number in [0, 1) that depends on `text` alone, on every machine and in every release."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64


def _check_names(frame: pd.DataFrame, columns: Sequence[Column], key: str, target: str | None) -> None:
    names = [key, *(c.name for c in columns), *([] if target is None else [target])]
    for name in names:
        if names.count(name) > 1:
            raise FeatureError(
                f"column {name!r} is listed twice (key, columns and target are different columns)"
            )
        if name not in frame.columns:
            raise FeatureError(f"the table lacks the column {name!r}; it has {len(frame.columns)} others")
    if frame.empty:
        raise FeatureError("the table has no rows; expected one row or more per part of the split")


def _check_values(frame: pd.DataFrame, columns: Sequence[Column], key: str) -> None:
    fields = {c.name: pa.Column(checks=_checks(c), nullable=True) for c in columns}
    one_key = pa.Column(checks=pa.Check(_is_text, error="text"), nullable=False, unique=True)
    try:
        pa.DataFrameSchema({key: one_key, **fields}).validate(frame)
    except SchemaError as error:
        raise FeatureError(_schema_message(error, frame, key)) from None


def _checks(column: Column) -> list[pa.Check]:
    if column.kind == "number":
        return [pa.Check(_is_finite, error="a finite number")]
    checks = [pa.Check(_is_label, error="text")]
    if column.levels:
        levels = pa.Check(
            lambda s: as_text(s).isin(column.levels), error=f"one of {', '.join(column.levels)}"
        )
        checks.append(levels)
    return checks


def _is_finite(values: "pd.Series[Any]") -> "pd.Series[bool]":
    if pd.api.types.is_numeric_dtype(values):
        return values.abs() != np.inf
    return values.map(lambda v: isinstance(v, int | float | np.number) and bool(np.isfinite(v)))


def _is_text(values: "pd.Series[Any]") -> "pd.Series[bool]":
    return values.map(lambda v: isinstance(v, str))


def _is_label(values: "pd.Series[Any]") -> "pd.Series[bool]":
    return values.map(lambda v: isinstance(v, str | int | np.integer | np.bool_))


def _schema_message(error: SchemaError, frame: pd.DataFrame, key: str) -> str:
    name, expected = error.schema.name, getattr(error.check, "error", None)
    first, bad = error.failure_cases.iloc[0], len(error.failure_cases)
    row, value = first["index"], first["failure_case"]
    if name == key:
        problem = "missing" if pd.isna(value) else "not text" if not isinstance(value, str) else "not unique"
        came = f"{shown(value)} in row {shown(row)} ({bad} such rows)"
        return f"key {key!r} is {problem}: {came}; mend its selector in the site spec"
    where = f"column {name!r}, {key} {shown(frame.loc[row, key])} ({bad} such rows)"
    return f"{where}: expected {expected}, got {shown(value)}; mend the field in the site spec"


def _typed(values: "pd.Series[Any]", column: Column) -> "pd.Series[Any]":
    if column.kind == "number":
        return as_number(values)
    return as_text(values).replace("", None)


def _typed_target(values: "pd.Series[Any]", told: TargetKind | None, *, positive: bool) -> "pd.Series[Any]":
    kind = target_kind(values, told=told)
    check_target(values, kind, positive=positive)
    return as_number(values) if kind == "number" else as_text(values)


def _constant_message(typed: pd.DataFrame, constant: Sequence[str]) -> str:
    name = constant[0]
    value = typed[name].dropna().unique()[:1].tolist()
    more = f" (and {len(constant) - 1} more: {', '.join(constant[1:])})" if len(constant) > 1 else ""
    what = f"is {shown(value[0])} in all {len(typed)} rows" if value else f"has no value in {len(typed)} rows"
    return f"column {name!r} {what}{more}; drop it from the columns, or drop constant columns by on_constant"
