"""The choice: which raw columns a model is to read, by the consensus of methods, with the evidence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import pandas as pd
from tqdm import tqdm

from features.columns import Column, is_constant, raw_inputs
from features.encode import selection_frame
from features.errors import FeatureError
from features.selection.base import ScoreSelector, best, count_to_keep
from features.selection.catalog import make_selectors
from features.selection.consensus import borda
from features.selection.stability import Stability, resample_stability
from features.target import TargetKind, target_kind


@dataclass(frozen=True)
class Choice:
    """`columns`: the chosen, in the table's order. `constant`: those that train rows say nothing about.

    `scores`: columns x methods with "consensus" last, best first. `seconds`: one fit on all rows, by method.
    `selectors`: the methods, fitted on all rows of `frame`, which is what they were given: one number for
    each column that varies.
    """

    columns: tuple[Column, ...]
    constant: tuple[str, ...]
    scores: pd.DataFrame
    seconds: "pd.Series[float]"
    stability: Stability
    selectors: Mapping[str, ScoreSelector]
    frame: pd.DataFrame


def choose(
    train: pd.DataFrame,
    columns: Sequence[Column],
    y: "pd.Series[Any]",
    *,
    methods: Sequence[str],
    n_features_to_select: int | float,
    decided_by: str = "consensus",
    resamples: int = 8,
    fraction: float = 0.5,
    seed: int = 0,
    target: TargetKind | None = None,
    n_jobs: int | None = None,
    progress: bool = True,
) -> Choice:
    """Ranks `columns` on the rows of `train` by `methods` (names in METHODS) and keeps the best.

    `decided_by` is one of the methods or "consensus", the best on average.
    `y` is the target of the same rows, on the scale that models are to learn (a price as its logarithm).
    Raises FeatureError for an unknown method, and as `ScoreSelector.fit` and `resample_stability` do.
    """
    kind = target_kind(y, told=target)
    raw = raw_inputs(train, columns)
    varied = [c for c in columns if not is_constant(raw[c.name], c)]
    X = selection_frame(raw, varied, y, target=kind, random_state=seed)
    keep = count_to_keep(n_features_to_select, len(varied))
    _check_who_decides(decided_by, methods)
    selectors = make_selectors(methods, keep, target=kind, seed=seed)
    stability = resample_stability(
        selectors,
        X,
        y,
        n_features_to_select=keep,
        resamples=resamples,
        fraction=fraction,
        seed=seed,
        target=kind,
        n_jobs=n_jobs,
        progress=progress,
    )
    scores, seconds = _fit_all(selectors, X, y, progress=progress)
    chosen = scores.index[best(scores[decided_by].to_numpy(), keep)]
    return Choice(
        columns=tuple(c for c in columns if c.name in chosen),
        constant=tuple(c.name for c in columns if c not in varied),
        scores=scores.sort_values(decided_by, ascending=False, kind="stable"),
        seconds=seconds,
        stability=stability,
        selectors=selectors,
        frame=X,
    )


def _check_who_decides(decided_by: str, methods: Sequence[str]) -> None:
    if decided_by not in (*methods, "consensus"):
        raise FeatureError(f"expected one of {', '.join(methods)} or consensus to decide, got {decided_by!r}")


def _fit_all(
    selectors: dict[str, ScoreSelector], X: pd.DataFrame, y: Any, *, progress: bool
) -> tuple[pd.DataFrame, "pd.Series[float]"]:
    scores, seconds = pd.DataFrame(index=X.columns), {}
    bar = tqdm(selectors.items(), desc="selection", unit="method", disable=not progress)
    for name, selector in bar:
        start = perf_counter()
        scores[name] = selector.fit(X, y).scores_
        seconds[name] = perf_counter() - start
    return scores.assign(consensus=borda(scores)), pd.Series(seconds, name="seconds")
