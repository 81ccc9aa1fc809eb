"""Our ensemble against AutoGluon as its documentation starts, on one table: fitted, timed and compared.

Both learn the same rows on the same number of threads, without a GPU; AutoGluon gets the raw columns and as
many seconds as ours took. Two AutoGluons are asked: `fit` with its defaults, and `presets="best_quality"`,
which bags and stacks; what counts is the better of the two.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from autogluon.tabular import TabularPredictor
from numpy.typing import NDArray
from real_tables import RealTable

from models.ensemble import Ensemble
from models.ensemble_fit import METRICS, fit_ensemble

Floats = NDArray[np.float64]
NO_RAY: dict[str, Any] = {
    "ag_args_ensemble": {"fold_fitting_strategy": "sequential_local"},
    "ds_args": {"memory_safe_fits": False},
}
PEERS: dict[str, dict[str, Any]] = {
    "AutoGluon": {},
    "AutoGluon best_quality": {"presets": "best_quality", **NO_RAY},
}
"""By name, what `TabularPredictor.fit` is told beside limits of time and threads.

Without ray, as where it is not installed: on few cores its start takes the most of a minute.
"""


@dataclass(frozen=True)
class Side:
    """How one side did: seconds to fit and to answer all test rows, and each test row's loss (rows,)."""

    name: str
    fit_s: float
    predict_s: float
    losses: Floats
    squared: bool

    @property
    def error(self) -> float:
        """RMSE on the scale that was learnt, or the log loss."""
        mean = float(self.losses.mean())
        return mean**0.5 if self.squared else mean


def ours(table: RealTable, settings: Mapping[str, Any]) -> Side:
    """Our encoder and ensemble, fitted with the `settings` of `fit_ensemble` and asked."""
    with TemporaryDirectory(prefix="millrace-") as folder:
        begun = time.perf_counter()
        X, X_test = table.encode()
        fit_ensemble(
            X,
            pd.Series(table.truth(table.train)),
            folder=Path(folder),
            target=table.kind,
            log_target=False,  # the truth is on the scale of the loss already
            progress=False,
            **settings,
        )
        fitted = time.perf_counter()
        ensemble = Ensemble(Path(folder))
        if table.kind == "number":
            answers, classes = ensemble.predict(X_test), None
        else:
            answers, classes = ensemble.predict_proba(X_test), ensemble.info.classes
        return _side("ours", table, answers, classes, begun, fitted)


def autogluon(name: str, table: RealTable, *, threads: int, time_limit_s: float) -> Side:
    """The peer `name` of PEERS on the raw columns."""
    names = [column.name for column in table.columns]
    truth = table.truth(table.train)
    problem = "regression" if table.kind == "number" else "multiclass"
    if table.kind == "category" and len(set(truth)) == 2:
        problem = "binary"
    with TemporaryDirectory(prefix="millrace-") as folder:
        begun = time.perf_counter()
        predictor = TabularPredictor(
            "answer", problem_type=problem, eval_metric=METRICS[problem], path=folder, verbosity=0
        )
        predictor.fit(
            table.train[names].assign(answer=truth),
            time_limit=time_limit_s,
            num_cpus=threads,
            num_gpus=0,
            **PEERS[name],
        )
        fitted = time.perf_counter()
        asked = table.test[names]
        if table.kind == "number":
            return _side(name, table, predictor.predict(asked).to_numpy(), None, begun, fitted)
        shares = predictor.predict_proba(asked)
        return _side(name, table, shares.to_numpy(), tuple(shares.columns), begun, fitted)


def interval(ours: Side, peer: Side, *, resamples: int = 2000) -> tuple[float, float]:
    """The 95% bootstrap interval of the ratio of errors over the test rows, the same rows for both."""
    random, rows = np.random.default_rng(0), len(ours.losses)
    drawn = [random.integers(rows, size=rows) for _ in range(resamples)]
    ratios = np.array([ours.losses[rows].mean() / peer.losses[rows].mean() for rows in drawn])
    low, high = np.quantile(np.sqrt(ratios) if ours.squared else ratios, [0.025, 0.975])
    return float(low), float(high)


def _side(
    name: str, table: RealTable, answers: Any, classes: tuple[str, ...] | None, begun: float, fitted: float
) -> Side:
    told = time.perf_counter() - fitted
    truth = table.truth(table.test)
    if classes is None:
        losses = (np.asarray(answers, dtype=np.float64) - truth.astype(np.float64)) ** 2
    else:
        places = pd.Index(classes).get_indexer(pd.Index(truth))
        shares = np.asarray(answers, dtype=np.float64)[np.arange(len(truth)), places]
        losses = -np.log(np.clip(shares, 1e-15, 1))
    return Side(name, fitted - begun, told, losses, classes is None)
