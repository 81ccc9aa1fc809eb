"""Slices: in no group of rows may the model be worse than the baseline."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.behaviour.outcome import Outcome
from models.behaviour.sample import Answer, Floats, Sample, asked
from models.metrics import rmsle


def slices(
    answer: Answer,
    sample: Sample,
    truth: Floats,
    baseline: Floats,
    names: Mapping[str, NDArray[Any]],
    *,
    min_rows: int,
    high: float,
) -> Iterator[Outcome]:
    """RMSLE over the baseline's RMSLE, in every slice of ``min_rows`` rows or more: ``high`` at most.

    ``truth`` and ``baseline`` (rows,) are in the target's unit; ``names`` holds, by slicing, the slice of
    each row (rows,). The worst row is that with the largest log error.
    """
    got = asked(answer, sample.columns)
    for slicing, members in names.items():
        for name in sorted(set(members)):
            inside = members == name
            if inside.sum() >= min_rows:
                subject = f"{slicing}: {name}"
                yield _slice(subject, sample.keys[inside], truth[inside], baseline[inside], got[inside], high)


def _slice(
    subject: str, keys: NDArray[Any], truth: Floats, baseline: Floats, got: Floats, high: float
) -> Outcome:
    with np.errstate(divide="ignore", invalid="ignore"):
        measured = float(rmsle(truth, got) / rmsle(truth, baseline))
        at = int(np.argmax(np.nan_to_num(np.abs(np.log1p(got) - np.log1p(truth)), nan=np.inf)))
    worst = {"row": str(keys[at]), "true": float(truth[at]), "answer": float(got[at])}
    return Outcome("slices", "error over baseline's", subject, len(truth), measured, high=high, worst=worst)
