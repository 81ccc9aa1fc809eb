"""Robustness: missing fields and categories never seen get an answer, not far from the full row's."""

from collections.abc import Iterator

import numpy as np

from models.behaviour.outcome import Outcome
from models.behaviour.sample import Answer, Floats, Sample, asked, factors

UNSEEN = "\N{SNOWMAN} never seen"
"""A category that no table holds."""


def missing_fields(answer: Answer, sample: Sample, *, high: float) -> Iterator[Outcome]:
    """Each field missing in turn: every answer is within the factor ``high`` of that to the full row.

    With all fields missing there is one answer, which is to be within it of the full rows' median.
    """
    before = asked(answer, sample.columns)
    for name in sample.columns:
        after = asked(answer, {**sample.columns, name: sample.missing(name)})
        yield _near("missing field", name, sample, before, after, high)
    empty = asked(answer, {name: sample.missing(name) for name in sample.columns})
    yield _near("missing fields", "all at once", sample, np.full_like(before, np.median(before)), empty, high)


def unseen_categories(answer: Answer, sample: Sample, *, high: float) -> Iterator[Outcome]:
    """A category never seen, in each column in turn: answers within the factor ``high`` of the full row's."""
    before = asked(answer, sample.columns)
    unseen = np.full(len(before), UNSEEN, dtype=object)
    for name in sample.categories:
        after = asked(answer, {**sample.columns, name: unseen})
        yield _near("unseen category", name, sample, before, after, high)


def _near(check: str, subject: str, sample: Sample, before: Floats, after: Floats, high: float) -> Outcome:
    apart = factors(before, after)
    at = int(apart.argmax())
    worst = sample.worst(at, before, after)
    return Outcome("robustness", check, subject, len(apart), float(apart[at]), high=high, worst=worst)
