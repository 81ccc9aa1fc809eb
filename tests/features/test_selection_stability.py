"""Stability: Nogueira's index on known sets, and what resampling reports."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest

from features.errors import FeatureError
from features.selection.base import ScoreSelector
from features.selection.catalog import METHODS
from features.selection.lasso import Lasso
from features.selection.stability import Stability, nogueira_index, resample_stability


def sets(*rows: str) -> np.ndarray:
    return np.array([[letter == "1" for letter in row] for row in rows])


@pytest.mark.parametrize(
    ("chosen", "index"),
    [
        (sets("1100", "1100", "1100"), 1.0),
        (sets("1111", "1111"), 1.0),
        (sets("0000", "0000"), 1.0),
        (sets("1100", "0011"), -1.0),  # p = 1/2: mean variance 2 * 1/4, over 1/4
        (sets("1100", "1010"), 0.0),  # p = 1, 1/2, 1/2, 0: mean variance 1/4, over 1/4
        (sets("110", "100", "100"), 1 - (0.0 + 3 / 2 * 2 / 9) / 3 / (4 / 9 * 5 / 9)),
    ],
)
def test_the_index_by_hand(chosen: np.ndarray, index: float) -> None:
    assert nogueira_index(chosen) == pytest.approx(index)


@pytest.mark.parametrize("keep", [5, 20, 45])
def test_random_sets_score_about_zero_whatever_their_size(keep: int) -> None:
    rng = np.random.default_rng(0)
    chosen = rng.permuted(np.tile(np.arange(50) < keep, (400, 1)), axis=1)
    assert nogueira_index(chosen) == pytest.approx(0, abs=0.01)


def test_one_set_has_no_stability() -> None:
    with pytest.raises(FeatureError, match="two sets or more, not 1"):
        nogueira_index(sets("10"))


def table(rows: int = 200) -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(rows, 8)), columns=list("abcdefgh"))
    return X, (3 * X["a"] + 2 * X["b"] + rng.normal(size=rows)).rename("y")


QUICK: Mapping[str, ScoreSelector] = {"pearson": METHODS["pearson"](), "lasso": Lasso(alphas=12)}


def resampled(X: pd.DataFrame, y: pd.Series, keep: int = 2, **settings: object) -> Stability:
    return resample_stability(QUICK, X, y, n_features_to_select=keep, progress=False, **settings)


def test_strong_columns_are_always_chosen_and_noise_by_chance() -> None:
    result = resampled(*table(), resamples=6)
    assert result.methods == ["pearson", "lasso", "consensus"]
    assert (result.frequency.loc[["a", "b"]] == 1).all(axis=None)
    assert (result.index() == 1).all()
    assert (result.index(keep=4) < 1).all()
    assert (result.frequency.sum() == 2).all()
    assert list(result.frequency.index) == list("abcdefgh")
    assert (result.seconds[["pearson", "lasso"]] > 0).all()


def test_the_seed_fixes_the_draws() -> None:
    X, y = table()
    first = resampled(X, y, resamples=3, seed=5)
    pd.testing.assert_frame_equal(first.scores, resampled(X, y, resamples=3, seed=5).scores)
    assert not first.scores.equals(resampled(X, y, resamples=3, seed=6).scores)
    assert not QUICK["pearson"].__dict__.get("scores_")


def test_a_column_that_is_constant_in_a_draw_comes_last_there() -> None:
    X, y = table()
    X["rare"] = (X.index == 0).astype(float)
    result = resampled(X, y, keep=8, resamples=6)
    assert result.scores["pearson"].xs("rare", level="column").min() == 0


def test_equal_scores_do_not_look_stable() -> None:
    index = pd.MultiIndex.from_product([range(40), list("abcdefgh")], names=["resample", "column"])
    tied = Stability(pd.DataFrame({"m": 0.0}, index=index), pd.Series(dtype="float64"), keep=4, seed=0)
    assert abs(tied.index()["m"]) < 0.1


def test_classes_keep_their_shares() -> None:
    X, y = table()
    classes = pd.Series(np.where(y > y.quantile(0.95), "rare", "common"), name="y")
    assert resampled(X, classes, resamples=2, fraction=0.2).methods == ["pearson", "lasso", "consensus"]


def test_one_method_has_no_consensus() -> None:
    X, y = table()
    result = resample_stability(
        {"pearson": METHODS["pearson"]()}, X, y, n_features_to_select=0.5, resamples=2, progress=False
    )
    assert result.methods == ["pearson"]
    assert result.keep == 4


@pytest.mark.parametrize("settings", [{"resamples": 1}, {"fraction": 1.0}, {"fraction": 0.0}])
def test_too_little_to_compare_is_refused(settings: dict[str, float]) -> None:
    with pytest.raises(FeatureError, match="2 resamples or more of a fraction"):
        resampled(*table(), **settings)
