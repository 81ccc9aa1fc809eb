"""Test error split into bias and variance: what no draw of the training rows mends, and what each changes.

Geman, Bienenstock and Doursat, "Neural Networks and the Bias/Variance Dilemma", Neural Computation 4 (1992):
for squared loss the mean error of refits is the squared distance of their mean answer from the truth (bias)
plus the spread of their answers around that mean (variance).
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.errors import ModelError

Floats = NDArray[np.float64]
Parts = dict[str, dict[str, dict[str, float]]]
"""{learner: {part: {value, low, high}}}, the parts as in `split_error`."""


def split_error(answers: Floats, truth: Floats) -> dict[str, Floats]:
    """Each row's `error`, `bias_squared` and `variance`, (rows,): the error is the sum of the other two.

    `answers` (refits, rows) and `truth` (rows,) are on the scale of the loss: of log(1 + y) for RMSLE, whose
    square the mean error is. `variance` divides by refits - 1 and `bias_squared` takes variance / refits off
    the squared distance of the mean answer, which a mean of few refits adds to it: both are unbiased, and
    the sum is the measured error, up to rounding. So a row's, and rarely their mean, may be below 0.
    With one truth a row its noise cannot be told from bias, and counts as bias.
    Raises ModelError for fewer than two refits, other shapes, or numbers that are not finite.
    """
    if answers.ndim != 2 or len(answers) < 2 or answers.shape[1:] != truth.shape or truth.size == 0:
        raise ModelError(
            f"expected answers (2 or more refits, rows) and a truth for each row, got {answers.shape} "
            f"and {truth.shape}: ask every refit for the same rows"
        )
    if not (np.isfinite(answers).all() and np.isfinite(truth).all()):
        raise ModelError("an answer or the truth is no finite number: mend the learner that gave it")
    variance = answers.var(axis=0, ddof=1)
    bias_squared = (answers.mean(axis=0) - truth) ** 2 - variance / len(answers)
    return {"error": bias_squared + variance, "bias_squared": bias_squared, "variance": variance}


def decompose(
    answers: Mapping[str, Floats], truth: Floats, *, resamples: int, confidence: float, seed: int
) -> Parts:
    """Every learner's parts, means over the rows, each with its percentile interval.

    The `resamples` draws of test rows are the same for all learners and parts. The intervals tell how far the
    choice of test rows moves a figure, not how far a few refits more would.
    """
    rows = {learner: split_error(one, truth) for learner, one in answers.items()}
    table = np.stack([part for parts in rows.values() for part in parts.values()])
    tail = (1 - confidence) / 2
    ends = np.quantile(_resampled_means(table, resamples, seed), [tail, 1 - tail], axis=0)
    figures = iter(zip(table.mean(axis=1), *ends, strict=True))
    return {
        learner: {
            part: dict(zip(("value", "low", "high"), map(float, next(figures)), strict=True))
            for part in parts
        }
        for learner, parts in rows.items()
    }


def parts_table(parts: Parts) -> pd.DataFrame:
    """One row a learner: `error`, `bias_squared` and `variance`, each followed by its `_low` and `_high`."""
    rows = []
    for learner, figures in parts.items():
        row: dict[str, str | float] = {"learner": learner}
        for part, one in figures.items():
            row |= {part: one["value"], f"{part}_low": one["low"], f"{part}_high": one["high"]}
        rows.append(row)
    return pd.DataFrame(rows)


def _resampled_means(table: Floats, resamples: int, seed: int) -> Floats:
    """Means over bootstrap draws of the columns of `table` (figures, rows): (resamples, figures)."""
    random, count = np.random.default_rng(seed), table.shape[1]
    means = np.empty((resamples, len(table)))
    for mean in means:  # one draw at a time: memory does not grow with their number
        mean[:] = table @ np.bincount(random.integers(0, count, count), minlength=count) / count
    return means
