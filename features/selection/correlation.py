"""Correlation: of columns with a number, with classes, and by rank with each other, as the filters use it."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from scipy.stats import rankdata

from features.selection.base import Floats


def correlation(X: Floats, y: Floats) -> Floats:
    """|r| of each column of X (n, d) with y (n,); no column and not y constant."""
    t = y - y.mean()
    t /= np.linalg.norm(t)

    def block(x: Floats) -> Floats:
        x = x - x.mean(axis=0)
        r: Floats = np.abs(x.T @ t) / np.linalg.norm(x, axis=0)
        return r

    return np.minimum(by_blocks(block, X), 1.0)


def correlation_ratio(X: Floats, y: NDArray[Any]) -> Floats:
    """eta of each column of X (n, d) over the classes y (n,); no column constant."""
    classes = [y == label for label in np.unique(y)]

    def block(x: Floats) -> Floats:
        x = x - x.mean(axis=0)
        groups = [x[rows] for rows in classes]
        between = sum((len(g) * g.mean(axis=0) ** 2 for g in groups), np.zeros(x.shape[1]))
        eta: Floats = np.sqrt(between / (x**2).sum(axis=0))
        return eta

    return np.minimum(by_blocks(block, X), 1.0)


def by_blocks(score: Callable[[Floats], Floats], X: Floats, *, columns: int = 16) -> Floats:
    """`score` of X (n, d) in blocks of `columns`, so that a large table is not copied whole: (d,)."""
    return np.concatenate([score(X[:, i : i + columns]) for i in range(0, X.shape[1], columns)])


def ranked(X: Floats) -> Floats:
    """Each column of X (n, d) as its ranks from 1; equal values share their mean rank."""
    return np.asarray(rankdata(X, axis=0), dtype="float64")


def rank_correlations(X: Floats) -> Floats:
    """|rho| (Spearman) of each pair of columns of X (n, d): (d, d), 1 on the diagonal."""
    rho: Floats = np.abs(np.atleast_2d(np.corrcoef(ranked(X), rowvar=False)))
    return np.minimum((rho + rho.T) / 2, 1.0)


def correlation_clusters(rho: Floats, threshold: float) -> NDArray[np.intp]:
    """A label (d,) from 0 for each column of `rho` (d, d), in order of first appearance.

    Any two columns of a cluster have |rho| >= `threshold` in (0, 1]: complete linkage (Sorensen 1948).
    """
    if len(rho) == 1:
        return np.zeros(1, dtype=np.intp)
    tree = linkage(squareform(1 - rho, checks=False), method="complete")
    labels = fcluster(tree, 1 - threshold + 1e-12, criterion="distance")
    first = list(dict.fromkeys(labels.tolist()))
    return np.array([first.index(label) for label in labels.tolist()], dtype=np.intp)
