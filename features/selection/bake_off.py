"""The bake-off: which method, and how many columns, by nested cross-validation on train rows alone.

Each outer fold holds rows back from everything: encoding, ranking and model see the other rows only. So the
choice of method and of size is itself measured out of sample; ranking on all rows first and cross-validating
the model after finds signal in pure noise (Ambroise, McLachlan 2002, "Selection bias in gene extraction").

The winner is the fewest columns whose mean score is within one standard error of the best mean (Breiman and
others 1984, section 3.4.3). Its score is still the best of many: for an honest figure look at the test rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from joblib import delayed
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.metrics import log_loss, r2_score

from features.columns import Column, is_constant, raw_inputs
from features.encode import selection_frames
from features.errors import FeatureError
from features.selection.base import shuffled_folds
from features.selection.boosting import quick_boosting
from features.selection.catalog import make_selectors
from features.selection.interval import fold_interval
from features.selection.jobs import fitting_threads, in_parallel
from features.selection.stability import Stability, collected, nogueira_index, timed_scores
from features.target import TargetKind, check_target, target_kind


@dataclass(frozen=True)
class BakeOff:
    """What the outer folds said. `scores`: (method, size) x folds, more is better: R2, or minus log loss.

    The largest size is all columns, which is the same for every method. `rankings`: each method's scores of
    the columns, by fold, and seconds of one ranking; from two methods on, "consensus" is one more.
    """

    scores: pd.DataFrame
    rankings: Stability
    kind: TargetKind

    @property
    def metric(self) -> str:
        """What the scores are."""
        return "R²" if self.kind == "number" else "minus log loss"

    def summary(self, *, level: float = 0.95) -> pd.DataFrame:
        """A row for each method and size: score, low, high, standard_error, stability, seconds.

        The interval is of `level` (see `fold_interval`); `stability` is Nogueira's index over the folds, NaN
        for all columns; `seconds` are of one ranking (the consensus: of all methods together).
        """
        low, high = fold_interval(self.scores.to_numpy(), level=level)
        seconds = self.rankings.seconds
        table = pd.DataFrame(
            {
                "score": self.scores.mean(axis=1),
                "low": low,
                "high": high,
                "standard_error": self.scores.std(axis=1) / np.sqrt(self.scores.shape[1]),
                "stability": [self._stability(str(method), size) for method, size in self.scores.index],
                "seconds": [seconds.get(method, seconds.sum()) for method, _ in self.scores.index],
            },
            index=self.scores.index,
        )
        return table.reset_index()

    def winner(self) -> tuple[str, int]:
        """Method and size: the fewest columns within one standard error of the best; of equals the better."""
        table = self.summary()
        best = table.loc[table["score"].idxmax()]
        near = table[table["score"] >= best["score"] - best["standard_error"]]
        first = near.sort_values(["size", "score"], ascending=[True, False], kind="stable").iloc[0]
        return str(first["method"]), int(first["size"])

    def _stability(self, method: str, size: int) -> float:
        chosen = self.rankings.chosen(method, keep=size).to_numpy()
        return nogueira_index(chosen) if size < chosen.shape[1] else float("nan")


class _Fold(NamedTuple):
    fitted: pd.DataFrame
    held: pd.DataFrame
    y_fitted: "pd.Series[Any]"
    y_held: "pd.Series[Any]"


def bake_off(
    train: pd.DataFrame,
    columns: Sequence[Column],
    y: "pd.Series[Any]",
    *,
    methods: Sequence[str],
    sizes: Sequence[int],
    folds: int = 5,
    estimator: Any = None,
    seed: int = 0,
    target: TargetKind | None = None,
    n_jobs: int | None = None,
    progress: bool = True,
) -> BakeOff:
    """Compares `methods` (names in METHODS) at `sizes` (counts of `columns`) on outer folds of `train`.

    `y` is the target of the same rows, on the scale that models are to learn. `estimator` is the scikit-learn
    model that judges the chosen columns (None: quick boosted trees). `n_jobs` is joblib's; the result,
    `seconds` aside, does not depend on it. A size above the number of columns that vary counts as all.
    Cost: folds x (one fit of each method + (methods + 1) x sizes fits of the estimator, the same set once).
    Raises FeatureError for no sizes or one below 1, fewer than two folds, and as the selectors' `fit` does.
    """
    if not sizes or min(sizes) < 1 or folds < 2:
        raise FeatureError(f"expected sizes from 1 and 2 folds or more, not {list(sizes)} and {folds}")
    kind = target_kind(y, told=target)
    check_target(y, kind)
    raw = raw_inputs(train, columns)
    varied = [c for c in columns if not is_constant(raw[c.name], c)]
    cuts = list(shuffled_folds(y, kind, folds=folds, seed=seed).split(raw, y))
    parts = in_parallel(
        (delayed(_encoded)(raw, varied, y, fitted, held, kind, seed) for fitted, held in cuts),
        count=len(cuts),
        what="bake-off: encode",
        n_jobs=n_jobs,
        progress=progress,
    )
    rankings = _rank(parts, methods, kind, seed=seed, n_jobs=n_jobs, progress=progress)
    counts = sorted({min(size, len(varied)) for size in (*sizes, len(varied))})
    model = quick_boosting(kind, random_state=seed) if estimator is None else estimator
    scores = _judge(parts, rankings, counts, model, kind, n_jobs=n_jobs, progress=progress)
    return BakeOff(scores, rankings, kind)


def _encoded(
    raw: pd.DataFrame,
    columns: Sequence[Column],
    y: "pd.Series[Any]",
    fitted: NDArray[np.intp],
    held: NDArray[np.intp],
    kind: TargetKind,
    seed: int,
) -> _Fold:
    y_fitted = y.iloc[fitted]
    frames = selection_frames(
        raw.iloc[fitted], raw.iloc[held], columns, y_fitted, target=kind, random_state=seed
    )
    return _Fold(*frames, y_fitted, y.iloc[held])


def _rank(
    parts: Sequence[_Fold],
    methods: Sequence[str],
    kind: TargetKind,
    *,
    seed: int,
    n_jobs: int | None,
    progress: bool,
) -> Stability:
    selectors = make_selectors(methods, 1, target=kind, seed=seed)
    jobs = [(i, name) for i in range(len(parts)) for name in selectors]
    results = in_parallel(
        (delayed(timed_scores)(selectors[m], parts[i].fitted, parts[i].y_fitted, kind) for i, m in jobs),
        count=len(jobs),
        what="bake-off: rank",
        n_jobs=n_jobs,
        progress=progress,
    )
    return collected(jobs, results, keep=1, seed=seed)


def _judge(
    parts: Sequence[_Fold],
    rankings: Stability,
    sizes: Sequence[int],
    model: Any,
    kind: TargetKind,
    *,
    n_jobs: int | None,
    progress: bool,
) -> pd.DataFrame:
    """Scores, (method, size) x folds; a set that several methods chose in a fold is judged once."""
    sets = {
        (method, size, fold): tuple(row.index[row])
        for method in rankings.methods
        for size in sizes
        for fold, (_, row) in enumerate(rankings.chosen(method, keep=size).iterrows())
    }
    jobs = list(dict.fromkeys((fold, names) for (_, _, fold), names in sets.items()))
    results = in_parallel(
        (delayed(_score)(clone(model), parts[fold], list(names), kind) for fold, names in jobs),
        count=len(jobs),
        what="bake-off: judge",
        n_jobs=n_jobs,
        progress=progress,
    )
    value = dict(zip(jobs, results, strict=True))
    scores = pd.Series({key: value[key[2], names] for key, names in sets.items()})
    return scores.rename_axis(["method", "size", "fold"]).unstack("fold", sort=False)  # noqa: PD010


def _score(model: Any, part: _Fold, names: list[str], kind: TargetKind) -> float:
    fitted, held = part.fitted[names].to_numpy(), part.held[names].to_numpy()
    with fitting_threads(fitted.size):
        model.fit(fitted, part.y_fitted.to_numpy())
        if kind == "number":
            return float(r2_score(part.y_held, model.predict(held)))
        return -float(log_loss(part.y_held, model.predict_proba(held), labels=model.classes_))
