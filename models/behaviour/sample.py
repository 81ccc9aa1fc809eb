"""The rows on which a model's behaviour is tested, and how it is asked about them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.behaviour.outcome import plain
from models.errors import BehaviourError

Floats = NDArray[np.float64]
Columns = Mapping[str, NDArray[Any]]
"""Raw columns by name, each (rows,): float32 with NaN, or str objects with "" for missing."""
Answer = Callable[[Columns], Floats]
"""A model of a positive number: raw columns, as people write them, to (rows,) in the target's unit."""


class UnknownFieldError(BehaviourError):
    """The model was asked with a column that it does not have, and refused it."""


@dataclass(frozen=True)
class Sample:
    """Rows by their ``keys`` (rows,), and the raw columns that a model reads: (rows,) each."""

    keys: NDArray[Any]
    numbers: Columns
    categories: Columns

    @property
    def columns(self) -> dict[str, NDArray[Any]]:
        """All raw columns, numbers first."""
        return {**self.numbers, **self.categories}

    def taken(self, rows: NDArray[np.bool_]) -> "Sample":
        """The rows for which ``rows`` (rows,) is true."""
        numbers, categories = (
            {name: values[rows] for name, values in columns.items()}
            for columns in (self.numbers, self.categories)
        )
        return Sample(self.keys[rows], numbers, categories)

    def missing(self, name: str) -> NDArray[Any]:
        """The column ``name`` with no value known."""
        if name in self.numbers:
            return np.full(len(self.keys), np.nan, dtype=np.float32)
        return np.full(len(self.keys), "", dtype=object)

    def worst(self, at: int, before: Floats, after: Floats) -> dict[str, Any]:
        """What is told of the row ``at``: its key, its answer before and after the change."""
        return {"row": str(self.keys[at]), "before": plain(before[at]), "after": plain(after[at])}


def asked(answer: Answer, columns: Columns) -> Floats:
    """The answers (rows,) to ``columns``; raises BehaviourError when their number is not that of the rows."""
    rows = len(next(iter(columns.values())))
    got = np.asarray(answer(columns), dtype=np.float64)
    if got.shape != (rows,):
        raise BehaviourError(f"expected {rows} answers to {rows} rows, got shape {got.shape}: mend the model")
    return got


def factors(before: Floats, after: Floats) -> Floats:
    """By which factor from 1 on two answers differ, up or down: (rows,); inf unless both are above 0."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = np.where((before > 0) & (after > 0), after / before, np.inf)
        return np.nan_to_num(np.maximum(ratio, 1 / ratio), nan=np.inf)
