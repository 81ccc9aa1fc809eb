"""Searches over subsets: their order on known scores, their early stop, and the quick model that judges."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import KFold

from features.errors import FeatureError
from features.selection.additive import AdditiveScore
from features.selection.backward import Backward
from features.selection.elimination import Elimination
from features.selection.floating import Floating
from features.selection.forward import Forward
from features.selection.search import search_backward, search_forward

WORTH = [0.1, 0.5, 0.0, 0.3]


def additive(columns: Sequence[int]) -> float:
    return sum(WORTH[j] for j in columns)


def pair_beats_first(columns: Sequence[int]) -> float:
    """Column 0 is best alone, 1 and 2 are best together, and 0 adds nothing to them."""
    known = {(0,): 5, (1,): 4, (2,): 3, (0, 1): 6, (0, 2): 5.5, (1, 2): 9, (0, 1, 2): 9.5}
    return known[tuple(sorted(columns))]


def test_forward_enters_by_what_each_adds() -> None:
    search = search_forward(additive, 4, tolerance=0.0, patience=9)
    assert [search.best[size][1] for size in (1, 2, 3, 4)] == [(1,), (1, 3), (1, 3, 0), (1, 3, 0, 2)]
    assert np.argsort(-search.ranks).tolist() == [1, 3, 0, 2]


def test_forward_stops_when_nothing_is_gained_and_ranks_the_rest_by_their_last_trial() -> None:
    calls = []

    def score(columns: Sequence[int]) -> float:
        calls.append(tuple(columns))
        return additive(columns)

    search = search_forward(score, 4, tolerance=0.4, patience=1)
    assert sorted(search.best) == [1, 2]
    assert len(calls) == 4 + 3
    assert np.argsort(-search.ranks).tolist() == [1, 3, 0, 2]


def test_floating_drops_what_came_to_be_superfluous() -> None:
    plain = search_forward(pair_beats_first, 3, tolerance=0.0, patience=9)
    floating = search_forward(pair_beats_first, 3, tolerance=0.0, patience=9, floating=True)
    assert plain.best[2] == (6, (0, 1))
    assert floating.best[2] == (9, (1, 2))
    assert floating.best[1] == (5, (0,))


def test_backward_drops_by_what_each_is_missed() -> None:
    search = search_backward(additive, 4, tolerance=9.0, patience=1)
    assert np.argsort(-search.ranks).tolist() == [1, 3, 0, 2]
    assert search_backward(pair_beats_first, 3, tolerance=9.0, patience=1).best[2] == (9, (1, 2))


def test_backward_stops_when_drops_cost_too_much() -> None:
    search = search_backward(additive, 4, tolerance=0.05, patience=1)
    assert sorted(search.best) == [2, 3, 4]
    assert np.argsort(-search.ranks).tolist() == [1, 3, 0, 2]


def rows(n: int = 200, d: int = 5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, d))
    return X, X[:, 0] + np.abs(X[:, 1]) + rng.normal(0, 0.2, n)


def test_the_quick_models_score_is_that_of_a_ridge_on_the_same_basis() -> None:
    X, y = rows()
    parts = list(KFold(3).split(X))
    z = ((X - X.mean(axis=0)) / X.std(axis=0)).clip(-4, 4)
    bent = np.abs(z)
    basis = np.hstack([z, ((bent - bent.mean(axis=0)) / bent.std(axis=0)).clip(-4, 4)])[:, [0, 1, 5, 6]]
    goal = ((y - y.mean()) / y.std()).clip(-4, 4)
    error = total = 0.0
    for fitted, held in parts:
        model = Ridge(alpha=0.01 * len(fitted)).fit(basis[fitted], goal[fitted])
        error += ((goal[held] - model.predict(basis[held])) ** 2).sum()
        total += ((goal[held] - goal[fitted].mean()) ** 2).sum()
    assert AdditiveScore(X, y, parts, classes=False)([0, 1]) == pytest.approx(1 - error / total)


def test_the_quick_model_of_classes_is_nought_for_noise_and_one_for_the_class_itself() -> None:
    X, _ = rows(600)
    y = np.arange(600) % 3
    X[:, 0] = y
    score = AdditiveScore(X, y, list(KFold(3, shuffle=True, random_state=0).split(X)), classes=True)
    assert score([0]) > 0.99
    assert abs(score([1, 2])) < 0.03


@pytest.mark.parametrize("selector", [Backward, Floating, Forward])
def test_a_twin_waits_until_all_else_is_in(selector: type[Forward]) -> None:
    X, y = rows()
    table = pd.DataFrame(X, columns=list("abcde")).assign(twin=X[:, 0] + 1e-9 * X[:, 4])
    kept = set(selector(2).fit(table, y).get_feature_names_out())
    assert len(kept & {"a", "twin"}) == 1
    assert "b" in kept


def test_backward_with_trees_finds_what_helps_only_together() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 5))
    y = np.sign(X[:, 1] * X[:, 3])
    trees = ExtraTreesRegressor(20, min_samples_leaf=3, random_state=0)
    assert Backward(2, estimator=trees, patience=2).fit(X, y).support_.tolist() == [0, 1, 0, 1, 0]


def test_elimination_with_a_linear_model_is_by_its_weights() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    selector = Elimination(2, estimator=LinearRegression(), step=1).fit(X, X @ [0.1, 3.0, 0.0, 1.0])
    assert np.argsort(-selector.scores_).tolist() == [1, 3, 0, 2]
    assert np.floor(selector.scores_).tolist() == [-2, 0, -3, -1]


@pytest.mark.parametrize("wrong", [{"patience": 0}, {"tolerance": -1.0}])
def test_a_search_that_would_not_stop_or_start_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(FeatureError, match="patience >= 1 steps that gain less than tolerance >= 0"):
        Forward(1, **wrong).fit(*rows())
