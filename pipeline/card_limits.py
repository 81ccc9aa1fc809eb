"""A model's limits as sentences, from what evaluation and export measured."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import expm1, sqrt
from typing import Any

import numpy as np
import pandas as pd

from pipeline.tables import Selection
from serving.card import CardSlice

NAMED = 5
"""So many fields are named in a sentence at most."""
NOTABLE_BIAS = 0.02
"""A mean log error from here on is told, if it is also twice its standard error."""


@dataclass(frozen=True)
class Evidence:
    """What the limits follow from: the rows, the slices, RMSLE over all test rows, parity and behaviour."""

    model: str
    chosen: Selection
    train: pd.DataFrame
    rows: pd.DataFrame
    rmsle: float
    slices: Sequence[CardSlice]
    parity: dict[str, Any]
    behaviour: dict[str, Any]
    few_rows: int

    def measured(self, check: str) -> dict[str, float]:
        """What the behavioural tests of one check measured on the graph, by subject, the largest first."""
        path = self.behaviour["paths"][-1]
        found = {
            test["subject"]: test["measured"][path]
            for test in self.behaviour["tests"]
            if test["check"] == check
        }
        return dict(sorted(found.items(), key=lambda item: -item[1]))


def limits(evidence: Evidence) -> list[str]:
    """The sentences, the most telling first."""
    makers = (single_answers, worst_slices, biased_slices, small_slices, ranges, missing, unseen, parity)
    return [sentence for make in makers for sentence in make(evidence)]


def single_answers(evidence: Evidence) -> Iterator[str]:
    """How far off single answers are."""
    truth = evidence.rows[evidence.chosen.inputs.target.name].to_numpy(dtype=np.float64)
    answers = evidence.rows[f"predicted_{evidence.model}"].to_numpy(dtype=np.float64)
    off = np.abs(answers / truth - 1)
    yield (
        f"A single answer may be far off: of {len(off):,} test rows half were off by less than "
        f"{np.median(off):.1%}, one in ten by more than {np.quantile(off, 0.9):.0%}, one by {off.max():.0%}."
    )


def worst_slices(evidence: Evidence) -> Iterator[str]:
    """By each slicing, the slice with the largest error."""
    for slicing, group in _enough_rows(evidence).items():
        worst = max(group, key=lambda one: one.metrics["rmsle"])
        ratio = worst.metrics["rmsle"] / evidence.rmsle
        if ratio > 1:
            yield (
                f"By {slicing} the error is largest in {worst.name!r}: RMSLE {worst.metrics['rmsle']:.3f} on "
                f"{worst.rows} rows, {ratio:.1f} times that of all test rows."
            )


def biased_slices(evidence: Evidence) -> Iterator[str]:
    """By each slicing, the slices that are answered too high and too low on average."""
    for slicing, group in _enough_rows(evidence).items():
        ordered = sorted(group, key=lambda one: -one.metrics["bias"])
        told = [
            f"{abs(expm1(one.metrics['bias'])):.0%} too {'high' if sign > 0 else 'low'} in {one.name!r}"
            for sign, one in ((1, ordered[0]), (-1, ordered[-1]))
            if sign * one.metrics["bias"] >= max(NOTABLE_BIAS, 2 * _standard_error(one))
        ]
        if told:
            yield f"By {slicing} the answers are on average {' and '.join(told)}."


def small_slices(evidence: Evidence) -> Iterator[str]:
    """How many slices are too small to judge."""
    counts = []
    for slicing in dict.fromkeys(one.slicing for one in evidence.slices):
        rows = [one.rows for one in evidence.slices if one.slicing == slicing]
        few = sum(number < evidence.few_rows for number in rows)
        if few:
            counts.append(f"{few} of {len(rows)} by {slicing}")
    if counts:
        yield (
            f"Little is known of slices with fewer than {evidence.few_rows} test rows, "
            f"and there are such: {', '.join(counts)}."
        )


def ranges(evidence: Evidence) -> Iterator[str]:
    """The ranges outside of which the model has seen nothing, of the numbers that answers depend on most."""
    columns = {one.name: one for one in evidence.chosen.inputs.columns if one.kind == "number"}
    telling = [name for name in evidence.measured("missing field") if name in columns][:NAMED]
    told = []
    for name in telling:
        known, unit = evidence.train[name].astype("float64"), columns[name].unit
        told.append(f"{name} {known.min():g} to {known.max():g}{f' {unit}' if unit else ''}")
    if told:
        yield (
            f"Outside the training rows it guesses: {', '.join(told)}; the inputs list the ranges of all "
            f"{len(columns)} numbers, and none is enforced."
        )


def missing(evidence: Evidence) -> Iterator[str]:
    """What a missing field does to an answer."""
    found = _factors(evidence.measured("missing field"))
    if found:
        yield (
            "A missing field is filled in with no warning, a number by the training rows' median; on the "
            f"test rows that changed answers by a factor of up to {found}."
        )


def unseen(evidence: Evidence) -> Iterator[str]:
    """What a category never seen does to an answer."""
    found = _factors(evidence.measured("unseen category"))
    if found:
        yield f"A category never seen in training changed answers by a factor of up to {found}."


def parity(evidence: Evidence) -> Iterator[str]:
    """How far the graph is from what was fitted."""
    worst = max(evidence.parity["cases"], key=lambda case: case["max_relative"])
    yield (
        f"The served graph differs from the fitted model by {worst['max_relative']:.0e} of an answer at "
        f"most, in {len(evidence.parity['cases'])} cases tried (parity.json)."
    )


def _standard_error(one: CardSlice) -> float:
    """Of the mean log error: RMSLE squared is its variance and the mean squared."""
    return sqrt(max(one.metrics["rmsle"] ** 2 - one.metrics["bias"] ** 2, 0) / one.rows)


def _enough_rows(evidence: Evidence) -> dict[str, list[CardSlice]]:
    """The slices with rows enough to say something, by slicing."""
    groups: dict[str, list[CardSlice]] = {}
    for one in evidence.slices:
        if one.rows >= evidence.few_rows:
            groups.setdefault(one.slicing, []).append(one)
    return groups


def _factors(found: dict[str, float]) -> str:
    """The three largest factors, with the field of each."""
    largest = [(name, factor) for name, factor in found.items() if factor > 1][:3]
    return ", ".join(f"{factor:.2f} ({name})" for name, factor in largest)
