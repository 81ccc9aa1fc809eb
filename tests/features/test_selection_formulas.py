"""The methods' formulas against numbers worked out by hand, and against scikit-learn's."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import f_oneway, kruskal
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from features.errors import FeatureError
from features.selection.anova import Anova, anova, grouped
from features.selection.base import best
from features.selection.consensus import Consensus, borda, ranks
from features.selection.correlation import correlation, correlation_ratio, rank_correlations
from features.selection.gini import Gini, gini, impurity_decrease, squared_error
from features.selection.lasso import Lasso
from features.selection.mutual_information import MutualInformation
from features.selection.pearson import Pearson
from features.selection.permutation import Permutation
from features.selection.spearman import Spearman


def test_gini_is_the_docstrings_example() -> None:
    fruit = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    light = np.array([1, 1, 1, 0, 0, 0, 0, 0], dtype=bool)
    green = np.array([0, 0, 0, 1, 0, 0, 0, 0], dtype=bool)
    assert gini(fruit) == pytest.approx(0.5)
    assert gini(fruit[~light]) == pytest.approx(0.32)
    assert impurity_decrease(fruit, light, classes=True) == pytest.approx(0.3)
    assert 5 / 8 * impurity_decrease(fruit[~light], green[~light], classes=True) == pytest.approx(0.2)
    tree = DecisionTreeClassifier(random_state=0).fit(np.column_stack([light, green]), fruit)
    assert tree.tree_.compute_feature_importances(normalize=False) == pytest.approx([0.3, 0.2])
    assert tree.feature_importances_ == pytest.approx([0.6, 0.4])


def test_squared_error_is_the_docstrings_example() -> None:
    y = np.array([1.0, 1.0, 5.0, 5.0])
    left = np.array([True, True, False, False])
    assert squared_error(y) == 4
    assert impurity_decrease(y, left, classes=False) == 4
    tree = DecisionTreeRegressor().fit(left[:, None], y)
    assert tree.tree_.compute_feature_importances(normalize=False) == pytest.approx([4])


def test_gini_scores_add_to_one() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 4))
    assert Gini(2, trees=10).fit(X, X[:, 0]).scores_.sum() == pytest.approx(1)


def test_pearson_by_hand() -> None:
    X = np.array([[1.0, 3.0, 1.0], [2.0, 2.0, -2.0], [3.0, 1.0, 1.0]])
    y = np.array([1.0, 2.0, 3.0])
    assert correlation(X, y) == pytest.approx([1.0, 1.0, 0.0])
    assert Pearson(1).fit(X, y).scores_ == pytest.approx([1.0, 1.0, 0.0])


def test_correlation_ratio_by_hand() -> None:
    x = np.array([1.0, 3.0, 4.0, 6.0])  # class means 2 and 5, mean 3.5: between 4 * 1.5^2 = 9, total 13
    classes = np.array([0, 0, 1, 1])
    assert correlation_ratio(x[:, None], classes) == pytest.approx([np.sqrt(9 / 13)])
    assert correlation_ratio(x[:, None], classes) == pytest.approx(correlation(x[:, None], classes))


def test_spearman_is_the_docstrings_example() -> None:
    X, y = np.array([[1.0], [2.0], [30.0]]), np.array([1.0, 4.0, 9.0])
    assert correlation(X, y) == pytest.approx([0.94], abs=0.001)
    assert Spearman(1).fit(X, y).scores_ == pytest.approx([1.0])


def test_spearman_of_classes_is_kruskals_h() -> None:
    rng = np.random.default_rng(0)
    x, labels = rng.integers(0, 6, 40).astype(float), np.repeat(["a", "b", "c", "d"], 10)
    h = kruskal(*(x[labels == label] for label in "abcd")).statistic
    assert Spearman(1).fit(x[:, None], labels).scores_ == pytest.approx([np.sqrt(h / 39)])


def test_rank_correlations_by_hand() -> None:
    X = np.array([[1.0, 9.0, 0.0], [2.0, 4.0, 1.0], [30.0, 1.0, 0.0]])
    assert rank_correlations(X) == pytest.approx(np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]]), abs=1e-12)


def test_anova_is_the_docstrings_example() -> None:
    f, p, epsilon = anova(np.array([1.0, 3.0, 4.0, 6.0]), np.array([0, 0, 1, 1]))
    assert (f, epsilon) == pytest.approx((4.5, 1 - 2 / (13 / 3)))
    assert p == pytest.approx(f_oneway([1.0, 3.0], [4.0, 6.0]).pvalue)
    assert anova(np.array([1.0, 1.0, 2.0]), np.array([0, 0, 5])) == (np.inf, 0.0, 1.0)
    assert anova(np.array([1.0, 2.0]), np.array([0, 1])) == (0.0, 1.0, 0.0)


def test_anova_sees_what_turns_and_knows_how_many_groups_chance_explains() -> None:
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=400), rng.normal(size=400), rng.integers(0, 2, 400)])
    selector = Anova(1).fit(X, X[:, 0] ** 2 + rng.normal(0, 0.1, 400))
    assert selector.support_.tolist() == [True, False, False]
    assert selector.scores_[1:] == pytest.approx([0, 0], abs=0.02)
    assert selector.p_values_[0] < 1e-9 < 0.01 < selector.p_values_[1:].min()


@pytest.mark.parametrize("sign", [1, -1])
def test_a_value_that_fills_many_rows_is_a_group(sign: int) -> None:
    x = sign * np.concatenate([np.zeros(90), np.arange(1.0, 31.0)])
    groups = grouped(x, 10)
    assert len(np.unique(groups[:90])) == 1
    assert not set(groups[:90]) & set(groups[90:])


def test_mutual_information_by_hand() -> None:
    coin = np.tile([0.0, 1.0], 100)
    X = np.column_stack([coin, np.repeat([0.0, 1.0], 100)])
    scores = MutualInformation(1).fit(X, np.where(coin == 1, "head", "tail")).scores_
    assert scores == pytest.approx([np.log(2), 0.0], abs=1e-9)


def test_mutual_information_sees_a_circle() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    assert MutualInformation(1, rows=200).fit(X, X[:, 1] ** 2).support_.tolist() == [False, True, False]


def test_lasso_keeps_its_path_and_ranks_what_has_no_weight() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 6))
    y = 3 * X[:, 0] + X[:, 1] + rng.normal(size=150)
    lasso = Lasso(2, alphas=30).fit(X, y)
    assert lasso.path_.shape == (30, 6)
    assert lasso.cv_scores_.shape == lasso.alphas_.shape == (30,)
    assert (np.diff(lasso.alphas_) < 0).all()
    assert lasso.alpha_ == lasso.alphas_[lasso.cv_scores_.argmin()]
    assert lasso.path_[0] == pytest.approx(np.zeros(6), abs=1e-9)
    assert len(np.unique(lasso.scores_)) == 6
    assert lasso.support_.tolist() == [True, True, False, False, False, False]


def test_lasso_for_classes_keeps_its_path_too() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 4))
    lasso = Lasso(1).fit(X, np.where(X[:, 2] > 0, "yes", "no"))
    assert lasso.path_.shape == (len(lasso.alphas_), 4)
    assert (np.diff(lasso.alphas_) < 0).all()
    assert lasso.alpha_ == pytest.approx(lasso.alphas_[lasso.cv_scores_.argmin()])
    assert lasso.support_.tolist() == [False, False, True, False]


def test_permutation_keeps_its_spread() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 3))
    scores = Permutation(1, folds=3, repeats=2).fit(X, X[:, 1])
    assert scores.spread_.shape == (3,)
    assert scores.spread_[1] > 0


def test_borda_by_hand() -> None:
    scores = pd.DataFrame({"m": [9.0, 5.0, 5.0, 0.0], "n": [1.0, 4.0, 3.0, 2.0]}, index=list("abcd"))
    assert ranks(scores)["m"].tolist() == [1, 2.5, 2.5, 4]
    assert ranks(scores)["n"].tolist() == [4, 1, 2, 3]
    assert borda(scores).tolist() == pytest.approx([0.5, 0.75, 1.75 / 3, 0.5 / 3])
    assert borda(scores * [1000, 0.1]).equals(borda(scores))


def test_a_consensus_of_nothing_is_refused() -> None:
    with pytest.raises(FeatureError, match="one selector or more"):
        Consensus([], 1).fit(np.eye(3), [1.0, 2.0, 3.0])


def test_of_equals_the_leftmost_is_kept() -> None:
    assert best(np.array([1.0, 2.0, 2.0, 2.0]), 2).tolist() == [False, True, True, False]
    assert best(np.array([2.0, 2.0]), 1, ties=np.array([0.1, 0.9])).tolist() == [False, True]
