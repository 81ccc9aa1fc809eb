"""Encoders: raw inputs to numbers, once for the models (and their ONNX graph) and once for the selectors."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.model_selection import KFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import Binarizer, OneHotEncoder, OrdinalEncoder, TargetEncoder

from features.columns import Column
from features.errors import FeatureError
from features.target import TargetKind, check_target, target_kind

_FAR_BELOW = -1e37  # inside float32, below any measured value


def build_encoder(columns: Sequence[Column], *, flag_missing: Collection[str] = ()) -> ColumnTransformer:
    """An unfitted encoder of `raw_inputs(frame, columns)`: float32 columns without NaN, pandas out.

    - a number keeps its name, its median stands for a missing value;
    - an ordered category keeps its name and becomes its rank, 0 for the worst level; a missing or unknown one
      takes the median rank: a service that was not told the quality must not assume the worst;
    - an unordered category becomes one 0/1 column per value seen, `name=value`, with `name=` for missing; a
      value never seen is 0 in all of them;
    - each number in `flag_missing` (see `often_missing`) adds `name=known`, 1 where it was given.

    Only parts that skl2onnx 1.20 converts exactly; MissingIndicator and infrequent categories are not such.
    Raises FeatureError if `flag_missing` names a column that is not a number of `columns`.
    """
    numbers, ranked, named = _by_branch(columns)
    strangers = sorted(set(flag_missing) - {c.name for c in numbers})
    if strangers:
        raise FeatureError(f"flag_missing takes names of number columns; {strangers[0]!r} is none")
    branches = [
        ("number", SimpleImputer(strategy="median", keep_empty_features=True), numbers),
        ("known", _known_flag(), [c for c in numbers if c.name in flag_missing]),
        ("rank", _rank(ranked), ranked),
        ("name", _one_hot(), named),
    ]
    encoder = ColumnTransformer(_used(branches), verbose_feature_names_out=_feature_name)
    return encoder.set_output(transform="pandas")


def often_missing(raw: pd.DataFrame, columns: Sequence[Column], *, share: float = 0.01) -> list[str]:
    """Names of the numbers missing in at least `share` (0 to 1) of the rows of `raw`."""
    return [c.name for c in columns if c.kind == "number" and raw[c.name].isna().mean() >= max(share, 1e-12)]


def build_selection_encoder(
    columns: Sequence[Column], *, target: TargetKind, classes: int = 0, random_state: int = 0
) -> ColumnTransformer:
    """An unfitted encoder that gives ONE number per raw column: numbers, ordered, then unordered categories.

    So a selector chooses among the fields a scraper must fetch, and not among their 0/1 columns. Unordered
    categories become scikit-learn's cross-fitted target mean (Micci-Barreca 2001): use `fit_transform` on
    train, since `fit` then `transform` is not cross-fitted. With three `classes` or more, the class shares
    are projected on their first principal component.
    """
    numbers, ranked, named = _by_branch(columns)
    kind = "continuous" if target == "number" else "binary" if classes <= 2 else "multiclass"

    def target_mean() -> Pipeline:
        folds = KFold(5, shuffle=True, random_state=random_state)
        encoder = TargetEncoder(target_type=kind, cv=folds)
        return make_pipeline(encoder, *([PCA(1, random_state=random_state)] if kind == "multiclass" else []))

    branches = [
        ("number", SimpleImputer(strategy="median", keep_empty_features=True), numbers),
        ("rank", _rank(ranked), ranked),
        *((f"mean{i}", target_mean(), [column]) for i, column in enumerate(named)),
    ]
    return ColumnTransformer(_used(branches))


def selection_frame(
    raw: pd.DataFrame,
    columns: Sequence[Column],
    y: "pd.Series[Any]",
    *,
    target: TargetKind | None = None,
    random_state: int = 0,
) -> pd.DataFrame:
    """The float64 table for selectors: the rows of `raw`, one column per entry of `columns`, no NaN.

    `raw` and `y` are train rows only, in the same order. Raises FeatureError for a target that is missing
    somewhere or has no contrast.
    """
    return selection_frames(raw, raw[:0], columns, y, target=target, random_state=random_state)[0]


def selection_frames(
    raw: pd.DataFrame,
    held: pd.DataFrame,
    columns: Sequence[Column],
    y: "pd.Series[Any]",
    *,
    target: TargetKind | None = None,
    random_state: int = 0,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`selection_frame` of the rows of `raw`, whose target is `y`, and the same encoding of `held` rows.

    Nothing is learnt from `held`: a value that `raw` lacks is coded as scikit-learn does an unknown one.
    """
    kind = target_kind(y, told=target)
    check_target(y, kind)
    classes = y.nunique() if kind == "category" else 0
    encoder = build_selection_encoder(columns, target=kind, classes=classes, random_state=random_state)
    coded = encoder.fit_transform(raw, y.to_numpy())
    return _named(coded, raw.index, columns), _named(
        encoder.transform(held) if len(held) else coded[:0], held.index, columns
    )


def _named(coded: Any, index: "pd.Index[Any]", columns: Sequence[Column]) -> pd.DataFrame:
    """The encoder's output as a frame in the order of `columns`."""
    names = [c.name for branch in _by_branch(columns) for c in branch]
    frame = pd.DataFrame(np.asarray(coded, dtype="float64"), columns=names, index=index)
    return frame[[c.name for c in columns]]


def _by_branch(columns: Sequence[Column]) -> tuple[list[Column], list[Column], list[Column]]:
    """Numbers, ordered categories and unordered categories."""
    numbers = [c for c in columns if c.kind == "number"]
    categories = [c for c in columns if c.kind == "category"]
    return numbers, [c for c in categories if c.ordered], [c for c in categories if not c.ordered]


def _used(branches: Iterable[tuple[str, object, list[Column]]]) -> list[tuple[str, object, list[str]]]:
    used = [(name, part, [c.name for c in columns]) for name, part, columns in branches if columns]
    if not used:
        raise FeatureError("an encoder needs one column or more; the list of columns is empty")
    return used


def _feature_name(branch: str, feature: str) -> str:
    return f"{feature}=known" if branch == "known" else feature


def _value_name(feature: str, value: object) -> str:
    return f"{feature}={value}"


def _known_flag() -> Pipeline:
    return make_pipeline(
        SimpleImputer(strategy="constant", fill_value=_FAR_BELOW, keep_empty_features=True),
        Binarizer(threshold=_FAR_BELOW / 10),
    )


def _rank(columns: Sequence[Column]) -> Pipeline:
    ranks = OrdinalEncoder(
        categories=[list(c.levels) for c in columns],
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,
        dtype=np.float32,
    )
    return make_pipeline(ranks, SimpleImputer(strategy="median", keep_empty_features=True))


def _one_hot() -> OneHotEncoder:
    return OneHotEncoder(
        handle_unknown="ignore", sparse_output=False, dtype=np.float32, feature_name_combiner=_value_name
    )
