"""Stability: would a method choose the same columns had we crawled other rows?

Nogueira's index of M chosen sets over d columns (Nogueira, Sechidis, Brown 2018, "On the Stability of Feature
Selection Algorithms", JMLR 18): with p_f the share of sets that hold column f, and k the mean size of a set,

    index = 1 - mean_f (M / (M - 1) * p_f * (1 - p_f)) / (k / d * (1 - k / d))

1 for identical sets, 0 expected of sets drawn at random, whatever k, -1/(M - 1) at worst. The authors call
less than .4 poor and more than .75 excellent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
from joblib import delayed
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.model_selection import train_test_split

from features.errors import FeatureError
from features.selection.base import ScoreSelector, best, check_train, count_to_keep
from features.selection.consensus import borda
from features.selection.jobs import in_parallel
from features.target import TargetKind, target_kind


@dataclass(frozen=True)
class Stability:
    """What each method made of each resample of the train rows.

    `scores`: (resample, column) x methods and, if there are two or more, "consensus". `seconds`: of one fit,
    the median by method. `keep`: how many columns a set holds. `seed` breaks ties between equal scores.
    """

    scores: pd.DataFrame
    seconds: "pd.Series[float]"
    keep: int
    seed: int

    @property
    def methods(self) -> list[str]:
        """Names of the methods, "consensus" last."""
        return [str(name) for name in self.scores.columns]

    def chosen(self, method: str, *, keep: int | None = None) -> pd.DataFrame:
        """True where a set of `keep` columns holds the column: resamples x columns."""
        table = self.scores[method].unstack("column", sort=False)  # noqa: PD010
        ties = np.random.default_rng(self.seed).random(table.shape)
        rows = zip(table.to_numpy(), ties, strict=True)
        masks = np.array([best(scores, keep or self.keep, ties=tie) for scores, tie in rows])
        return pd.DataFrame(masks, index=table.index, columns=table.columns)

    @property
    def frequency(self) -> pd.DataFrame:
        """Share of the resamples in which each method chose each column: columns x methods, in [0, 1]."""
        return pd.DataFrame({method: self.chosen(method).mean() for method in self.methods})

    def index(self, *, keep: int | None = None) -> "pd.Series[float]":
        """Nogueira's index of each method, at `keep` columns (as many as asked for, if None)."""
        values = {m: nogueira_index(self.chosen(m, keep=keep).to_numpy()) for m in self.methods}
        return pd.Series(values, name="stability")


def nogueira_index(masks: NDArray[np.bool_]) -> float:
    """The index of `masks` (M sets, d columns); 1 if every set holds all the columns, or none.

    Raises FeatureError for fewer than two sets.
    """
    sets, columns = masks.shape
    if sets < 2:
        raise FeatureError(f"stability compares two sets or more, not {sets}; raise the number of resamples")
    share = masks.mean(axis=0)
    mean_size = masks.sum() / sets / columns
    if mean_size in (0.0, 1.0):
        return 1.0
    variance = sets / (sets - 1) * share * (1 - share)
    return float(1 - variance.mean() / (mean_size * (1 - mean_size)))


def resample_stability(
    selectors: Mapping[str, ScoreSelector],
    X: pd.DataFrame,
    y: Any,
    *,
    n_features_to_select: int | float,
    resamples: int = 8,
    fraction: float = 0.5,
    seed: int = 0,
    target: TargetKind | None = None,
    n_jobs: int | None = None,
    progress: bool = True,
) -> Stability:
    """Fits every selector on `resamples` draws, each a `fraction` of the train rows without replacement.

    Classes keep their shares. A column that is constant in a draw has the lowest score there. `n_jobs` is
    joblib's; the result, `seconds` aside, does not depend on it. Raises FeatureError as the selectors' `fit`
    does, and for fewer than two resamples or a fraction outside (0, 1).
    """
    if resamples < 2 or not 0 < fraction < 1:
        raise FeatureError(
            f"expected 2 resamples or more of a fraction in (0, 1), not {resamples} of {fraction}"
        )
    table, values = check_train(X, y, target=target)
    kind = target_kind(values, told=target)
    draws = _draws(values, kind, resamples=resamples, fraction=fraction, seed=seed)
    jobs = [(i, name) for i in range(resamples) for name in selectors]
    results = in_parallel(
        (
            delayed(timed_scores)(selectors[name], table.iloc[draws[i]], values.iloc[draws[i]], kind)
            for i, name in jobs
        ),
        count=len(jobs),
        what="stability",
        n_jobs=n_jobs,
        progress=progress,
    )
    return collected(jobs, results, keep=count_to_keep(n_features_to_select, table.shape[1]), seed=seed)


def _draws(
    y: "pd.Series[Any]", kind: TargetKind, *, resamples: int, fraction: float, seed: int
) -> list[NDArray[np.intp]]:
    strata = y if kind == "category" and y.value_counts().min() > 1 else None
    rows = np.arange(len(y))
    return [
        train_test_split(rows, train_size=fraction, random_state=seed + i, stratify=strata)[0]
        for i in range(resamples)
    ]


def timed_scores(
    selector: ScoreSelector, X: pd.DataFrame, y: "pd.Series[Any]", kind: TargetKind
) -> tuple["pd.Series[float]", float]:
    """Scores of the columns of X, by name, and the seconds of the fit; a constant column has the lowest."""
    start = perf_counter()
    varied = X.loc[:, X.min() < X.max()]
    fitted = clone(selector).set_params(target=kind, n_features_to_select=1).fit(varied, y)
    scores = pd.Series(fitted.scores_, index=varied.columns)
    lowest = min(0.0, float(scores.min()))
    return scores.reindex(X.columns, fill_value=lowest), perf_counter() - start


def collected(
    jobs: list[tuple[int, str]], results: list[tuple["pd.Series[float]", float]], *, keep: int, seed: int
) -> Stability:
    """What `timed_scores` gave for `jobs`, pairs of a draw and a method, and the consensus of methods."""
    by_job = {job: scores for job, (scores, _) in zip(jobs, results, strict=True)}
    methods = list(dict.fromkeys(name for _, name in jobs))
    draws = list(dict.fromkeys(i for i, _ in jobs))
    tables = {i: pd.DataFrame({name: by_job[i, name] for name in methods}) for i in draws}
    if len(methods) > 1:
        tables = {i: table.assign(consensus=borda(table)) for i, table in tables.items()}
    seconds = pd.DataFrame({"method": [n for _, n in jobs], "seconds": [s for _, s in results]})
    return Stability(
        scores=pd.concat(tables, names=["resample", "column"]),
        seconds=seconds.groupby("method", sort=False)["seconds"].median(),
        keep=keep,
        seed=seed,
    )
