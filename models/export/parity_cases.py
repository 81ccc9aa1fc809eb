"""Rows on which a graph might answer otherwise than Python: on splits, missing, infinite, never seen."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Inputs = Mapping[str, NDArray[Any]]
"""Raw columns by name, each (rows,) or (rows, 1): float32 with NaN, or str objects with ""."""

UNSEEN = "\N{SNOWMAN} never seen"
"""A category that no table holds; not ASCII, so that the graph's text handling is tried as well."""


def split_cases(
    inputs: Inputs, splits: Mapping[str, NDArray[np.float32]]
) -> Iterator[tuple[str, dict[str, NDArray[Any]]]]:
    """Yield rows with numbers on every value of ``splits``, and one float32 above and below it.

    A row takes a split of each column at once, its other values from ``inputs``; there are as many rows as
    the column with most splits has.
    """
    if not splits:
        return
    given = {name: np.asarray(values) for name, values in inputs.items()}
    rows = np.arange(max(len(values) for values in splits.values()))
    others = {name: values[rows % len(values)] for name, values in given.items()}
    placed = {name: values[rows % len(values)] for name, values in splits.items()}
    yield "on every split", {**others, **placed}
    for side, end in (("above", np.inf), ("below", -np.inf)):
        beside = {name: np.nextafter(values, np.float32(end)) for name, values in placed.items()}
        yield f"one step {side} every split", {**others, **beside}


def parity_cases(
    inputs: Inputs, *, numbers: Sequence[str], categories: Sequence[str]
) -> Iterator[tuple[str, dict[str, NDArray[Any]]]]:
    """Yield (case, columns): each column missing; all missing; numbers infinite; categories never seen."""
    given = {name: np.asarray(inputs[name]) for name in [*numbers, *categories]}
    rows = len(next(iter(given.values())))
    missing = {name: np.full(rows, np.nan, dtype=np.float32) for name in numbers}
    missing |= {name: np.full(rows, "", dtype=object) for name in categories}
    unseen = {name: np.full(rows, UNSEEN, dtype=object) for name in categories}
    for name, values in missing.items():
        yield f"{name} missing", {**given, name: values}
    yield "all missing", missing
    if numbers:
        for sign, value in (("", np.inf), ("-", -np.inf)):
            infinite = {name: np.full(rows, value, dtype=np.float32) for name in numbers}
            yield f"numbers {sign}infinite", {**given, **infinite}
    for name, values in unseen.items():
        yield f"{name} unseen", {**given, name: values}
    if unseen:
        yield "all categories unseen", {**given, **unseen}
