"""The methods that ask a model: permutation of clusters, shadows, and SHAP of any model."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge

from features.errors import FeatureError
from features.selection.boruta import Boruta
from features.selection.correlation import correlation_clusters
from features.selection.grouped_permutation import GroupedPermutation
from features.selection.interval import fold_interval
from features.selection.permutation import Permutation
from features.selection.shapley import Shap


def rows(n: int = 300) -> tuple[pd.DataFrame, pd.Series]:
    """Columns a and its noisy twin, b, and two of noise; y is 2 a + b."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(n, 4)), columns=["a", "b", "noise", "more"])
    X.insert(1, "twin", X["a"] + rng.normal(0, 0.05, n))
    return X, (2 * X["a"] + X["b"] + rng.normal(0, 0.3, n)).rename("y")


def test_clusters_by_hand() -> None:
    rho = np.array([[1.0, 0.1, 0.8, 0.6], [0.1, 1.0, 0.2, 0.1], [0.8, 0.2, 1.0, 0.75], [0.6, 0.1, 0.75, 1.0]])
    assert correlation_clusters(rho, 0.7).tolist() == [0, 1, 0, 2]  # 0 and 3 are too far apart to be joined
    assert correlation_clusters(rho, 0.6).tolist() == [0, 1, 0, 0]
    assert correlation_clusters(rho, 1.0).tolist() == [0, 1, 2, 3]
    assert correlation_clusters(np.eye(1), 0.5).tolist() == [0]


def test_the_interval_by_hand() -> None:
    low, high = fold_interval(np.array([[1.0, 2.0, 3.0], [5.0, 5.0, 5.0]]))
    reach = 4.302653 * np.sqrt(1 / 3 + 1 / 2)  # t of 2 degrees of freedom, standard deviation 1
    assert low == pytest.approx([2 - reach, 5.0], abs=1e-5)
    assert high == pytest.approx([2 + reach, 5.0], abs=1e-5)


def test_the_interval_holds_the_mean_more_often_than_without_the_correction() -> None:
    rng = np.random.default_rng(0)
    draws = rng.normal(size=(4000, 5))
    low, high = fold_interval(draws)
    assert ((low < 0) & (high > 0)).mean() > 0.97


def test_twins_do_not_hide_each_other_when_shuffled_together() -> None:
    X, y = rows()
    model = Ridge(10)
    grouped = GroupedPermutation(2, estimator=model).fit(X, y)
    assert grouped.clusters_.tolist() == [0, 0, 1, 2, 3]
    assert set(grouped.get_feature_names_out()) == {"a", "twin"}
    assert grouped.scores_[0] == pytest.approx(grouped.scores_[1], abs=1e-6)
    single = Permutation(2, estimator=model).fit(X, y)
    assert single.scores_[:2].max() < 0.5 * grouped.scores_[0]


def test_the_interval_of_a_cluster_holds_its_drop_and_noise_holds_nought() -> None:
    X, y = rows()
    selector = GroupedPermutation(2).fit(X, y)
    assert (selector.interval_low_ <= selector.scores_).all()
    assert (selector.scores_ <= selector.interval_high_ + 1e-6).all()
    assert selector.interval_low_[0] > 0
    assert selector.interval_low_[3] < 0.01


@pytest.mark.parametrize("threshold", [0.0, 1.5])
def test_a_threshold_that_is_no_correlation_is_refused(threshold: float) -> None:
    with pytest.raises(FeatureError, match=r"correlation in \(0, 1\]"):
        GroupedPermutation(2, threshold=threshold).fit(*rows(60))


def test_boruta_confirms_what_matters_with_its_twins_and_rejects_noise() -> None:
    X, y = rows()
    selector = Boruta(3).fit(X, y)
    assert selector.decisions_.tolist() == ["confirmed"] * 3 + ["rejected"] * 2
    assert selector.hits_[:3].tolist() == [20, 20, 20]
    assert selector.p_values_[0] == pytest.approx(2 * 0.5**20)
    assert (selector.scores_[:3] >= 1).all()


def test_boruta_of_pure_noise_confirms_nothing() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 8))
    assert "confirmed" not in Boruta(1, trees=30).fit(X, rng.normal(size=150)).decisions_


def test_too_few_rounds_to_confirm_anything_are_refused() -> None:
    with pytest.raises(FeatureError, match=r"5 rounds cannot tell 5 columns .* take 8 rounds or more"):
        Boruta(1, rounds=5).fit(*rows(60))


@pytest.mark.slow
def test_shap_of_a_linear_model_is_weight_times_distance_from_the_mean() -> None:
    X, y = rows(120)
    selector = Shap(2, estimator=LinearRegression(), slow_rows=30, background=40).fit(X, y)
    weights = LinearRegression().fit(X.to_numpy(), y).coef_
    order = np.random.default_rng(0).permutation(len(X))
    known = X.to_numpy()[order[-40:]].mean(axis=0)
    assert selector.values_ == pytest.approx(weights * (X.to_numpy()[order[:30]] - known), abs=1e-9)
    assert selector.scores_ == pytest.approx(np.abs(selector.values_).mean(axis=0))
    pd.testing.assert_frame_equal(selector.explained_, X.iloc[order[:30]])


def test_shap_of_classes_by_a_model_without_trees() -> None:
    X, y = rows(150)
    labels = pd.cut(y, [-99, -1, 1, 99], labels=["low", "mid", "high"]).astype(str)
    selector = Shap(2, estimator=LogisticRegression(), slow_rows=20, background=10).fit(
        X[["b", "noise"]], labels
    )
    assert selector.values_.shape == (20, 2, 3)
    assert selector.scores_[0] > selector.scores_[1]
