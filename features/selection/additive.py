"""Additive bent lines: the quick model of the wrapper searches, judged without going back to the rows.

    y = a + sum over columns j of (b_j z_j + c_j |z_j|)        z_j: column j standardised, cut at +-4

by least squares with a small ridge; for classes, y is the 0/1 indicator of each (regression of an indicator
matrix: Hastie, Tibshirani, Friedman 2009, section 4.2). All that a subset's weights and its error on held
rows need are cross-products of the columns, worked out once per fold: O(n d^2). A subset of k columns then
costs O(k^3) however many rows there are, which makes searches over thousands of subsets affordable.

Blind to interactions: give the searches a model that sees them if those are what is looked for.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dposv

from features.selection.base import Floats

CUT = 4.0  # standard deviations: an outlier beyond pulls no more than one here
RIDGE = 0.01  # per row, of columns of variance 1: keeps twins solvable, shrinks others by about 1%


class _Fold(NamedTuple):
    """Cross-products of the fitted rows (`gram`, `cross`) and of the held, about the fitted rows' mean."""

    gram: Floats
    cross: Floats
    held_gram: Floats
    held_cross: Floats
    held_total: float


class AdditiveScore:
    """Call with indices of columns: the cross-validated R2 of the bent lines on them, over all folds at once.

    `X` (n, d); `y` (n,) is a number, or codes of classes if `classes`, and then R2 is 1 - Brier score / that
    of the class shares. `parts` are pairs of row indices (fitted, held).
    """

    def __init__(
        self,
        X: Floats,
        y: NDArray[Any],
        parts: Iterable[tuple[NDArray[np.intp], NDArray[np.intp]]],
        *,
        classes: bool,
    ) -> None:
        z = _standard(X)
        bends = np.array([len(np.unique(column[:1000])) > 2 for column in z.T])
        self._bent = np.where(bends, X.shape[1] + np.cumsum(bends) - 1, -1)
        basis = np.hstack([z, _standard(np.abs(z[:, bends]))])
        goal = np.eye(int(y.max()) + 1)[y] if classes else _standard(y[:, None])
        self._folds = [_fold(basis, goal, *part) for part in parts]

    def __call__(self, columns: Sequence[int]) -> float:
        """R2 of the model on `columns`, one index or more, none twice; 1 at best, 0 for the mean."""
        own = np.asarray(columns, dtype=int)
        used = np.concatenate([own, self._bent[own]])
        used = used[used >= 0]
        square = np.ix_(used, used)
        error = total = 0.0
        for fold in self._folds:
            weights = dposv(fold.gram[square], fold.cross[used])[1]
            error += float(
                fold.held_total
                - 2 * (weights * fold.held_cross[used]).sum()
                + (weights * (fold.held_gram[square] @ weights)).sum()
            )
            total += fold.held_total
        return 1 - error / total


def _standard(X: Floats) -> Floats:
    spread = X.std(axis=0)
    z: Floats = (X - X.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return z.clip(-CUT, CUT)


def _fold(basis: Floats, goal: Floats, fitted: NDArray[np.intp], held: NDArray[np.intp]) -> _Fold:
    mean, goal_mean = basis[fitted].mean(axis=0), goal[fitted].mean(axis=0)
    b, g = basis[fitted] - mean, goal[fitted] - goal_mean
    b_held, g_held = basis[held] - mean, goal[held] - goal_mean
    ridge = RIDGE * len(fitted) * np.eye(basis.shape[1])
    return _Fold(b.T @ b + ridge, b.T @ g, b_held.T @ b_held, b_held.T @ g_held, float((g_held**2).sum()))
