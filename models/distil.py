"""Distillation: further rows like the training rows, and answers of a teacher to learn from.

Bucila, Caruana, Niculescu-Mizil, "Model Compression", KDD 2006 (their MUNGE, here with categories and missing
values); Hinton, Vinyals, Dean 2015, https://arxiv.org/abs/1503.02531.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from models.errors import ModelError

Floats = NDArray[np.float64]

NEIGHBOURS = 8
"""Of how many nearest rows one lends its values."""


def mixed_rows(
    raw: pd.DataFrame, encoded: pd.DataFrame, *, copies: int, share: float, seed: int
) -> pd.DataFrame:
    """Return ``copies`` tables of new rows below each other, of the types of ``raw`` (rows, columns).

    Each row takes each value, with probability ``share`` in [0, 1], from one of its nearest rows by
    ``encoded`` (the same rows as numbers, scaled here). Same arguments, same rows. Raises ModelError for
    tables of different or fewer than two rows.
    """
    if len(raw) != len(encoded) or len(raw) < 2:
        raise ModelError(
            f"expected two tables of the same rows, 2 or more, got {len(raw)} and {len(encoded)}; encode anew"
        )
    random, rows = np.random.default_rng(seed), raw.reset_index(drop=True)
    near = _nearest(encoded.to_numpy(dtype=np.float64))
    tables = []
    for _ in range(copies):
        lender = near[np.arange(len(rows)), random.integers(0, near.shape[1], len(rows))]
        lent = random.random(rows.shape) < share
        tables.append(rows.where(~lent, rows.iloc[lender].reset_index(drop=True)))
    return pd.concat(tables, ignore_index=True).astype(raw.dtypes.to_dict())


def blended(
    truth: NDArray[np.float64], teacher: NDArray[np.float64], *, weight: float
) -> NDArray[np.float64]:
    """Return the mean of both on the scale log(1 + y), ``weight`` in [0, 1] on the truth."""
    return np.asarray(np.expm1(weight * np.log1p(truth) + (1 - weight) * np.log1p(teacher)))


def _nearest(x_RF: Floats) -> NDArray[np.int64]:
    """Each row's nearest others, (rows, NEIGHBOURS or as many as there are)."""
    scaled = (x_RF - x_RF.mean(axis=0)) / np.maximum(x_RF.std(axis=0), 1e-9)
    count = min(NEIGHBOURS, len(x_RF) - 1)
    found = NearestNeighbors(n_neighbors=count + 1).fit(scaled).kneighbors(scaled, return_distance=False)
    # A row is its own nearest, save where another is the same.
    return np.asarray(found[:, 1:], dtype=np.int64)
