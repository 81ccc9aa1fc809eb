"""The base of all selectors: checks the train table and keeps the best by `scores_`, as scikit-learn's do."""

from abc import abstractmethod
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.feature_selection import SelectorMixin
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.preprocessing import LabelEncoder
from sklearn.utils.validation import check_is_fitted, validate_data

from features.errors import FeatureError, shown
from features.selection.jobs import fitting_threads
from features.target import TargetKind, check_target, target_kind

Floats = NDArray[np.float64]


class ScoreSelector(SelectorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """A selector that gives each column one score, more is better, and keeps the best.

    Parameters: `n_features_to_select`, a count (int) or a share of the columns (float in (0, 1]); `target`,
    "number" or "category", or None to tell by the type of `y` (see `features.target.target_kind`);
    `random_state`, the seed: the same seed and rows give the same scores.
    After `fit`: `scores_` (n_features_in_,), `support_` (mask of the kept), `target_kind_`, for a DataFrame
    `feature_names_in_`, and for a category `classes_`. Of equal scores the column further left is kept.
    A class says in `cost` what `fit` takes for n rows and d columns at its default settings.
    """

    cost: ClassVar[str]

    def __init__(
        self,
        n_features_to_select: int | float = 0.5,
        *,
        target: TargetKind | None = None,
        random_state: int = 0,
    ) -> None:
        self.n_features_to_select = n_features_to_select
        self.target = target
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Ranks the columns of X (n_samples, n_features), train rows only, all numbers, none missing.

        Raises FeatureError naming a column that has text, a missing or infinite value, or is constant; and
        for a target that has missing values, is constant, or has one class only.
        """
        table, values = check_train(X, y, target=self.target)
        self.target_kind_ = target_kind(values, told=self.target)
        validate_data(self, X)
        keep = count_to_keep(self.n_features_to_select, table.shape[1])
        with fitting_threads(table.size):
            self.scores_ = np.asarray(self._score(table, self._coded(values)), dtype="float64")
        self.support_ = best(self.scores_, keep)
        return self

    @abstractmethod
    def _score(self, X: pd.DataFrame, y: NDArray[Any]) -> Floats:
        """One score per column; `y` is float64, or the index into `classes_` for a category."""

    def _coded(self, values: "pd.Series[Any]") -> NDArray[Any]:
        if self.target_kind_ == "number":
            return values.to_numpy(dtype="float64")
        labels = LabelEncoder().fit(values)
        self.classes_ = labels.classes_
        return np.asarray(labels.transform(values))

    def _cut(self, y: NDArray[Any], folds: int) -> KFold | StratifiedKFold:
        values = y if self.target_kind_ == "number" else self.classes_[y]
        return shuffled_folds(pd.Series(values), self.target_kind_, folds=folds, seed=self.random_state)

    def _get_support_mask(self) -> NDArray[np.bool_]:
        check_is_fitted(self)
        return self.support_


def check_train(X: Any, y: Any, *, target: TargetKind | None = None) -> tuple[pd.DataFrame, "pd.Series[Any]"]:
    """X as a float64 DataFrame and y as a Series on its rows, both checked as `ScoreSelector.fit` says."""
    table = pd.DataFrame(X)
    values = pd.Series(np.asarray(y), name=getattr(y, "name", None) or "y", index=table.index)
    check_target(values, target_kind(values, told=target))
    for name in table.columns:
        _check_column(name, table[name])
    return table.astype("float64", copy=False), values


def shuffled_folds(
    y: "pd.Series[Any]", kind: TargetKind, *, folds: int, seed: int
) -> KFold | StratifiedKFold:
    """Folds of the rows of `y`, each with every class: as many as the rarest class has rows, if fewer.

    Raises FeatureError for a class of one row.
    """
    if kind == "number":
        return KFold(folds, shuffle=True, random_state=seed)
    rows = y.value_counts()
    if rows.min() < 2:
        rare = shown(rows.idxmin())
        raise FeatureError(f"class {rare} has one row of {len(y)}; merge it with another or drop it")
    return StratifiedKFold(min(folds, int(rows.min())), shuffle=True, random_state=seed)


def drawn_rows(rows: int, most: int, *, seed: int) -> NDArray[np.intp]:
    """Indices of at most `most` of `rows` rows, drawn without replacement, ascending."""
    return np.sort(np.random.default_rng(seed).permutation(rows)[:most])


def _check_column(name: object, values: "pd.Series[Any]") -> None:
    if not pd.api.types.is_numeric_dtype(values):
        raise FeatureError(
            f"column {name!r}: expected numbers, got {values.dtype}; encode it by selection_frame"
        )
    known = np.isfinite(values.to_numpy(dtype="float64", na_value=np.nan))
    if not known.all():
        bad = f"{int((~known).sum())} of {len(values)} values are missing or infinite"
        raise FeatureError(f"column {name!r}: {bad}; encode it by selection_frame")
    if values.min() == values.max():
        raise FeatureError(f"column {name!r} is constant in {len(values)} train rows; drop it")


def count_to_keep(wanted: int | float, columns: int) -> int:
    """How many of `columns` a count (int) or a share (float, rounded down, one at least) asks for."""
    if isinstance(wanted, float) and 0 < wanted <= 1:
        return max(1, int(wanted * columns))
    if isinstance(wanted, int) and not isinstance(wanted, bool) and 1 <= wanted <= columns:
        return wanted
    raise FeatureError(
        f"n_features_to_select is a count from 1 to {columns} or a share in (0, 1] of the columns that vary, "
        f"not {wanted!r}; mend how many to keep"
    )


def best(scores: Floats, keep: int, *, ties: Floats | None = None) -> NDArray[np.bool_]:
    """Mask of the `keep` highest scores; among equals the higher in `ties`, then the one further left."""
    second = np.zeros(len(scores)) if ties is None else ties
    order = np.lexsort((-second, -scores))
    mask = np.zeros(len(scores), dtype=bool)
    mask[order[:keep]] = True
    return mask
