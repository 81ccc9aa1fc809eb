"""A small encoded table of houses, and every family that has a graph, with budgets of seconds."""

import numpy as np
import pandas as pd

FAMILIES = {
    "GBM": {"num_boost_round": 20, "learning_rate": 0.2, "min_data_in_leaf": 5},
    "CAT": {"iterations": 20, "depth": 3},
    "XGB": {"n_estimators": 20, "max_depth": 3},
    "RF": {"n_estimators": 40},
    "XT": {"n_estimators": 40},
    "LR": {},
    "NN_TORCH": {"num_epochs": 2},
}


def encoded_houses(random: np.random.Generator, rows: int = 240) -> pd.DataFrame:
    """Numbers, a rank and two 0/1 columns, one of them rare; float32."""
    return pd.DataFrame(
        {
            "area": random.lognormal(7, 0.4, rows),
            "age": random.normal(40, 10, rows),
            "rank": random.integers(0, 5, rows).astype(float),
            "place=North End": (random.random(rows) < 0.5).astype(float),
            "place=rare": (np.arange(rows) % 80 == 0).astype(float),
        }
    ).astype("float32")


def shuffled(X: pd.DataFrame) -> pd.DataFrame:
    """Twice as many rows, of values that do not belong together."""
    random = np.random.default_rng(1)
    return pd.DataFrame({name: random.permutation(np.tile(X[name], 2)) for name in X.columns})
