"""The contract that every selector keeps, for numbers, two classes and three."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_wine

from features.errors import FeatureError
from features.selection.base import ScoreSelector
from features.selection.catalog import METHODS
from features.selection.consensus import Consensus
from features.selection.gini import Gini
from features.selection.lasso import Lasso
from features.selection.pearson import Pearson

pytestmark = pytest.mark.filterwarnings("ignore:The set_:PendingDeprecationWarning")


def consensus(keep: int | float = 0.5, **settings: Any) -> Consensus:
    return Consensus(
        [("pearson", Pearson()), ("lasso", Lasso(alphas=20)), ("gini", Gini(trees=20))], keep, **settings
    )


SELECTORS: dict[str, Callable[..., ScoreSelector]] = {**METHODS, "consensus": consensus}
each = pytest.mark.parametrize("make", SELECTORS.values(), ids=SELECTORS.keys())


def planted(target: str, rows: int = 250) -> tuple[pd.DataFrame, pd.Series]:
    """Three columns that make the target (one of them large numbers) among eight of noise."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(rows, 11)), columns=[f"noise_{i}" for i in range(8)] + ["a", "b", "c"])
    signal = 2 * X["a"] + 1.5 * X["b"] - 1.5 * X["c"] + rng.normal(0, 0.3, rows)
    X["c"] = 1e4 + 1e3 * X["c"]
    if target == "number":
        return X, signal.rename("y")
    labels = ["low", "high"] if target == "two" else ["low", "mid", "high"]
    return X, pd.Series(pd.qcut(signal, len(labels), labels=labels).astype(str), name="y")


@each
@pytest.mark.parametrize("target", ["number", "two", "three"])
def test_the_planted_columns_are_found(make: Callable[..., ScoreSelector], target: str) -> None:
    X, y = planted(target)
    selector = make(3)
    assert selector.fit(X, y) is selector
    assert set(selector.get_feature_names_out()) == {"a", "b", "c"}
    assert selector.scores_.shape == (11,)
    assert np.isfinite(selector.scores_).all()
    assert selector.support_.tolist() == selector.get_support().tolist()
    assert selector.feature_names_in_.tolist() == list(X.columns)
    assert selector.target_kind_ == ("number" if target == "number" else "category")
    kept = selector.set_output(transform="pandas").transform(X)
    pd.testing.assert_frame_equal(kept, X[["a", "b", "c"]])


@each
def test_a_clone_gives_the_same_scores(make: Callable[..., ScoreSelector]) -> None:
    X, y = planted("number", rows=120)
    first = make(3, random_state=7).fit(X, y)
    second = clone(first)
    assert not hasattr(second, "scores_")
    assert second.random_state == 7
    np.testing.assert_array_equal(second.fit(X, y).scores_, first.scores_)


@each
def test_how_many_is_a_count_or_a_share(make: Callable[..., ScoreSelector]) -> None:
    X, y = planted("number", rows=60)
    assert make(11).fit(X, y).support_.all()
    assert make(0.5).fit(X.to_numpy(), y.to_numpy()).support_.sum() == 5
    for wrong in (0, 12, 1.5, 0.0, True, "3"):
        with pytest.raises(FeatureError, match="count from 1 to 11 or a share"):
            make(wrong).fit(X, y)


@each
@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda X, y: (X, y.where(y.index != 3)), "target 'y', row 3 .*nan is missing"),
        (lambda X, y: (X, y * 0), "target 'y' is constant"),
        (lambda X, y: (X, y.map(lambda _: "one")), "target 'y' has one class only"),
        (lambda X, y: (X.assign(a=1.0), y), "column 'a' is constant in 60 train rows"),
        (lambda X, y: (X.assign(a="Elm"), y), "column 'a': expected numbers, got object"),
        (lambda X, y: (X.assign(a=X["a"].where(X.index > 4)), y), "column 'a': 5 of 60 values are missing"),
        (lambda X, y: (X.assign(a=X["a"].replace(X["a"][0], np.inf)), y), "column 'a': 1 of 60 values"),
    ],
)
def test_what_cannot_be_ranked_is_refused_in_one_line(
    make: Callable[..., ScoreSelector], change: Callable[..., Any], says: str
) -> None:
    with pytest.raises(FeatureError, match=says) as error:
        make(3).fit(*change(*planted("number", rows=60)))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["lasso", "permutation"])
def test_a_class_of_one_row_cannot_be_cut_into_folds(name: str) -> None:
    X, y = planted("two", rows=60)
    y[0] = "odd"
    with pytest.raises(FeatureError, match="class 'odd' has one row of 60"):
        METHODS[name](3).fit(X, y)


@each
def test_a_selector_says_its_cost(make: Callable[..., ScoreSelector]) -> None:
    assert 10 < len(make(1).cost) < 100


def test_whole_numbers_are_classes_when_told() -> None:
    X, y = load_wine(return_X_y=True, as_frame=True)
    selector = METHODS["gini"](3, target="category").fit(X, y)
    assert selector.classes_.tolist() == [0, 1, 2]
    assert "flavanoids" in selector.get_feature_names_out()


def test_on_real_rows_the_methods_agree_on_the_strongest() -> None:
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    selector = Consensus([(name, METHODS[name]()) for name in METHODS], 3).fit(X, y)
    assert set(selector.get_feature_names_out()) == {"bmi", "s5", "bp"}
    assert list(selector.method_scores_.columns) == list(METHODS)
