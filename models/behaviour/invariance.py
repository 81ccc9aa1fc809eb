"""Invariance: changes of the input that may not change the answer."""

from collections.abc import Iterator, Sequence

import numpy as np

from models.behaviour.outcome import Outcome
from models.behaviour.sample import Answer, Columns, Floats, Sample, UnknownFieldError, asked, factors


def extra_spaces(answer: Answer, sample: Sample, *, high: float) -> Iterator[Outcome]:
    """White space around and within each category: the answer stays the same.

    ``high`` is the largest factor allowed, 1.000001 for what float32 rounds. Letter case is not tested: two
    categories may differ in it alone.
    """
    before = asked(answer, sample.columns)
    for name, values in sample.categories.items():
        spaced = np.array([_spaced(text) for text in values], dtype=object)
        after = asked(answer, {**sample.columns, name: spaced})
        yield _same("extra spaces", name, sample, before, after, high)


def other_listings(answer: Answer, sample: Sample, names: Sequence[str], *, high: float) -> Iterator[Outcome]:
    """Another value in each column of ``names``, such as the listing's number: the answer stays the same.

    A model that refuses the column (UnknownFieldError) cannot heed it.
    """
    before = asked(answer, sample.columns)
    for name in names:
        try:
            after = asked(answer, {**sample.columns, name: _others(sample.columns, name, len(before))})
        except UnknownFieldError:
            after = before
        yield _same("new listing number", name, sample, before, after, high)


def order_of_rows(answer: Answer, sample: Sample, *, high: float) -> Iterator[Outcome]:
    """The rows the other way round: each gets the answer that it had."""
    before = asked(answer, sample.columns)
    turned = {name: values[::-1] for name, values in sample.columns.items()}
    yield _same("order of rows", "all rows", sample, before, asked(answer, turned)[::-1], high)


def _spaced(text: str) -> str:
    r"""Written carelessly; a missing category stays missing: the no-break space is HTML's."""
    return f"\t {text.replace(' ', '  ')}\N{NO-BREAK SPACE}\n" if text else " "


def _others(columns: Columns, name: str, rows: int) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    """Other values of a column: its neighbour's where the model reads it, else new text."""
    if name in columns:
        return np.roll(columns[name], 1)
    return np.array([f"listing {row}" for row in range(rows)], dtype=object)


def _same(check: str, subject: str, sample: Sample, before: Floats, after: Floats, high: float) -> Outcome:
    apart = factors(before, after)
    at = int(apart.argmax())
    worst = sample.worst(at, before, after)
    return Outcome("invariance", check, subject, len(apart), float(apart[at]), high=high, worst=worst)
