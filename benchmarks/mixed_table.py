"""A generated table of mixed columns with a known answer, of any size: which columns make its target."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.columns import Column

LEVELS = ("Poor", "Fair", "Typical", "Good", "Excellent")
CITIES = tuple(f"city {i}" for i in range(12))


@dataclass(frozen=True)
class MixedTable:
    """`frame` (rows, columns), the target `y`, and the names of the columns that make it."""

    frame: pd.DataFrame
    columns: tuple[Column, ...]
    y: "pd.Series[float]"
    answer: frozenset[str]


def mixed_table(rows: int, columns: int, *, seed: int = 0) -> MixedTable:
    """Of `columns` (10 or more), in turns of ten: 6 numbers, 2 ordered categories and 2 unordered ones.

    The first ten make the target: two numbers straight, one by its absolute value, two only by their
    product, one skewed, by its logarithm, and the four categories. The seventh column of numbers is a noisy
    twin of the first. One number in twenty is missing.
    """
    rng = np.random.default_rng(seed)
    listed = [_column(i) for i in range(columns)]
    data = {column.name: _values(column, i, rows, rng) for i, column in enumerate(listed)}
    if columns > 10:
        twin = data["n0"] + rng.normal(0, 0.2, rows)
        data[listed[10].name] = twin.astype("float32")
    y = _target(data, rng)
    for column in listed:
        if column.kind == "number":
            data[column.name][rng.random(rows) < 0.05] = np.nan
    frame = pd.DataFrame(data, copy=False)
    return MixedTable(frame, tuple(listed), pd.Series(y, name="y"), frozenset(c.name for c in listed[:10]))


def _column(i: int) -> Column:
    place = i % 10
    if place < 6:
        return Column(f"n{i}", "number")
    if place < 8:
        return Column(f"o{i}", "category", levels=LEVELS, ordered=True)
    return Column(f"c{i}", "category")


def _values(column: Column, i: int, rows: int, rng: np.random.Generator) -> np.ndarray:
    if column.kind == "number":
        drawn = rng.lognormal(size=rows) if i % 10 == 5 else rng.normal(size=rows)
        return drawn.astype("float32")
    names = np.array(column.levels or CITIES, dtype=object)
    return np.asarray(names[rng.integers(len(names), size=rows)])


def _target(data: dict[str, np.ndarray], rng: np.random.Generator) -> np.ndarray:
    codes = {name: {value: i for i, value in enumerate(LEVELS)} for name in ("o6", "o7")}
    effects = {name: dict(zip(CITIES, rng.normal(size=len(CITIES)), strict=True)) for name in ("c8", "c9")}
    numbers = (
        1.0 * data["n0"]
        + 0.8 * data["n1"]
        + 1.2 * np.abs(data["n2"])
        + 0.9 * data["n3"] * data["n4"]
        + 0.7 * np.log(data["n5"])
    )
    ranks = sum(0.4 * pd.Series(data[name]).map(known).to_numpy("float64") for name, known in codes.items())
    named = sum(0.7 * pd.Series(data[name]).map(known).to_numpy("float64") for name, known in effects.items())
    return np.asarray(numbers + ranks + named + rng.normal(0, 0.8, len(numbers)), dtype="float64")
