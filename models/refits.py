"""Refits: each learner fitted again on draws of the training rows, and asked for the same test rows."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from joblib.parallel import get_active_backend
from numpy.typing import NDArray
from tqdm import tqdm

from models.errors import ModelError

Floats = NDArray[np.floating[Any]]
Learner = Callable[[Floats, Floats, Floats, int], NDArray[np.float64]]
"""(X, y, X_test, seed) -> answers: fitted to X (rows, columns) and y (rows,), asked for X_test."""


def draw_size(rows: int, fraction: float) -> int:
    """How many rows a draw of `fraction` has, 2 or more; else ModelError."""
    count = round(rows * fraction)
    if count < 2:
        raise ModelError(
            f"expected 2 rows or more for a refit, got {count} ({fraction:g} of {rows}): give more rows"
        )
    return count


def draw_rows(rows: int, *, refits: int, fraction: float, seed: int) -> list[NDArray[np.int64]]:
    """For each refit the places of its training rows, ascending: a `fraction` in (0, 1) of them, none twice.

    Without replacement, because a bootstrap draw has rows twice: of a learner that judges its members out of
    fold (stacking, AutoGluon) one copy would be fitted and the other judged. Draws share rows, so they vary
    less than fresh samples: for means and other smooth statistics the variance is 1 - fraction of that over
    fresh samples of the draw's size, and (1 - fraction) / fraction of that over fresh samples of all `rows`
    (Politis, Romano and Wolf, "Subsampling", 1999), which a half shows as it is. For trees it is a guide.
    """
    count = draw_size(rows, fraction)
    random = np.random.default_rng(seed)
    return [np.sort(random.permutation(rows)[:count]) for _ in range(refits)]


def refit(
    learners: Mapping[str, Learner],
    X: Floats,
    y: Floats,
    X_test: Floats,
    *,
    refits: int,
    fraction: float,
    seed: int,
    progress: bool = True,
) -> dict[str, NDArray[np.float64]]:
    """Each learner's answers to X_test by every refit, (refits, test rows), on y's scale.

    A refit is one of joblib's jobs: one after another here, or wherever the caller's backend carries them.
    All learners get the same draws of X (rows, columns) and y (rows,), see `draw_rows`. The seed differs from
    refit to refit, so that a learner's own chance counts as variance.
    """
    draws = draw_rows(len(X), refits=refits, fraction=fraction, seed=seed)
    X, X_test = np.ascontiguousarray(X), np.ascontiguousarray(X_test)  # as sent: order tells in last digits
    jobs = [(number, name) for number in range(refits) for name in learners]
    streams = getattr(get_active_backend()[0], "supports_return_generator", False)
    results = Parallel(return_as="generator" if streams else "list")(
        delayed(learners[name])(X[draws[number]], y[draws[number]], X_test, seed + number)
        for number, name in jobs
    )
    answers = {name: np.empty((refits, len(X_test))) for name in learners}
    bar = tqdm(results, total=len(jobs), unit="fit", desc="decompose", disable=not progress)
    for (number, name), answer in zip(jobs, bar, strict=True):
        answers[name][number] = answer
    return answers
