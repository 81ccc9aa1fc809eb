"""The rows of a study: the two parts that the chain prepared, or any Parquet table of numbers."""

from pathlib import Path

import numpy as np
import pandas as pd

from models.table import Rows
from pipeline.errors import InputError
from pipeline.files import read_parquet
from pipeline.tables import read_encoded, read_selection

HELD = 0.2


def read_study_data(data: Path, selection: Path, target: str) -> tuple[Rows, Rows]:
    """Training and validation rows of a folder of the chain, or of a table, of which a fifth is held.

    A table is split by the order of a fixed seed, a text column becomes 0/1 columns of its values, and a
    missing number the median of the training rows.
    """
    if data.is_dir():
        chosen = read_selection(selection)
        train, validation = (
            read_encoded(data / f"{part}.parquet", chosen) for part in ("train", "validation")
        )
        return train, validation
    frame = read_parquet(data)
    if target not in frame:
        raise InputError(f"{data} has no column {target!r}: name the target with --target")
    known = frame[frame[target].notna()].reset_index(drop=True)
    if len(known) < 10:
        raise InputError(f"{data} has {len(known)} rows with a target, expected 10 or more")
    X = pd.get_dummies(known.drop(columns=target), dtype="float32").astype("float32")
    held = np.random.default_rng(0).permutation(len(X)) < HELD * len(X)
    X = X.fillna(X[~held].median()).fillna(0)
    y = known[target].astype("float64")
    return (X[~held], y[~held]), (X[held], y[held])
