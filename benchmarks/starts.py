"""A portfolio of starts for a table network: parameters that do well together on six real tables.

Random search trains the same `--trials` parameters at full cost on each table. An error counts as its place
between the table's best (0) and its median (1). Then, one after another, the parameters are chosen that
lower the mean of the best places most, as in Feurer et al. (2022), Auto-sklearn 2.0, JMLR 23. What it prints
stands as STARTS in the network's file. None of the tables is among those that `hpo.py` measures on.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray
from real_tables import RealTable, read_table
from tqdm import tqdm

from models.catalog import entry
from models.errors import TrainingError
from models.table import Rows, fit_network

NAMES = ("saratoga", "diamonds", "bikes", "insurance", "mpg", "taxis")
EPOCHS, PATIENCE, VALIDATION_ROWS, DIGITS = 20, 8, 1500, 2
WORST = 2.0
"""No place is worse: a table on which much fails does not decide alone."""


def main() -> None:
    """Print the portfolio, a line of JSON each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", default="mlp")
    parser.add_argument("--data", type=Path, default=Path("../shared/data/tabular"))
    parser.add_argument("--trials", type=int, default=80)
    parser.add_argument("--size", type=int, default=8)
    wanted = parser.parse_args()
    tables = [rows_of(read_table(name, wanted.data)) for name in NAMES]
    drawn = draw(wanted.network, wanted.trials)
    pairs = tqdm([(params, table) for params in drawn for table in tables], unit="training")
    errors = [error_of(wanted.network, params, *table) for params, table in pairs]
    places = to_places(np.reshape(errors, (len(drawn), len(tables))))
    for at in portfolio(places, wanted.size):
        print(json.dumps(drawn[at]), [round(float(place), 2) for place in places[at]])


def rows_of(table: RealTable) -> tuple[Rows, Rows]:
    """Training and validation rows."""
    parts = zip(table.encode(), (table.train, table.test), strict=True)
    train, test = ((X.reset_index(drop=True), rows[table.target].astype("float64")) for X, rows in parts)
    return train, (test[0][:VALIDATION_ROWS], test[1][:VALIDATION_ROWS])


def draw(network: str, count: int) -> list[dict[str, Any]]:
    """Parameters of the network's space at random."""
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=77))
    found = []
    for _ in range(count):
        trial = study.ask()
        entry(network).search_space(trial)
        found.append(rounded(trial.params))
    return found


def rounded(params: dict[str, Any]) -> dict[str, Any]:
    """The same to two digits, as they are written down."""
    return {
        name: float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value
        for name, value in params.items()
    }


def error_of(network: str, params: dict[str, Any], train: Rows, validation: Rows) -> float:
    """The validation error of the best epoch; infinite where training diverges."""
    entries = entry(network).search_space(optuna.trial.FixedTrial(params))
    try:
        _, history = fit_network(
            train, validation, network=network, params=entries, epochs=EPOCHS, patience=PATIENCE, seed=0,
            threads=1, progress=False,
        )  # fmt: skip
    except TrainingError:
        return float("inf")
    return float(history.best["rmsle"])


def to_places(errors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Places [params, tables] between the best and the median of each table."""
    best, middle = errors.min(axis=0), np.median(errors, axis=0)
    places: NDArray[np.float64] = np.clip((errors - best) / (middle - best), 0, WORST)
    return places


def portfolio(places: NDArray[np.float64], size: int) -> list[int]:
    """The parameters chosen, in order."""
    reached, chosen = np.full(places.shape[1], WORST), list[int]()
    for _ in range(size):
        means = np.minimum(places, reached).mean(axis=1)
        means[chosen] = np.inf
        chosen.append(int(np.argmin(means)))
        reached = np.minimum(reached, places[chosen[-1]])
    return chosen


if __name__ == "__main__":
    main()
