import numpy as np
import pytest
from numpy.typing import NDArray

from models.decomposition import split_error
from models.errors import ModelError
from models.learners import final_ensemble, step_learners
from models.refits import draw_rows, refit

Floats = NDArray[np.float64]
BUDGET = {"refits": 4, "fraction": 0.5, "seed": 0, "progress": False}
STEPS = {
    "min_leaf": 1,
    "bagged_trees": 20,
    "boosted": {"n_estimators": 60, "learning_rate": 0.1, "num_leaves": 4},
    "stacked_folds": 3,
    "threads": 2,
}


def table(rows: int = 400) -> tuple[Floats, Floats, Floats, Floats]:
    """Train and test rows of a bent, noisy function of two of four columns."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2 * rows, 4)).astype("float32")
    y = np.sin(2 * X[:, 0]) + X[:, 1] + rng.normal(0, 0.3, 2 * rows)
    return X[:rows], y[:rows], X[rows:], y[rows:]


def test_a_draw_has_no_row_twice_and_repeats_with_its_seed() -> None:
    draws = draw_rows(11, refits=3, fraction=0.5, seed=0)
    for rows in draws:
        assert len(rows) == len(set(rows)) == 6
        assert (np.diff(rows) > 0).all()
        assert 0 <= rows.min() <= rows.max() < 11
    assert len({tuple(rows) for rows in draws}) == 3
    np.testing.assert_array_equal(draws, draw_rows(11, refits=3, fraction=0.5, seed=0))


def test_a_draw_of_fewer_than_two_rows_is_refused() -> None:
    with pytest.raises(ModelError, match="expected 2 rows or more for a refit, got 1"):
        draw_rows(10, refits=2, fraction=0.1, seed=0)


def test_all_learners_get_the_same_rows_and_another_seed_each_time() -> None:
    X, y, X_test, _ = table(20)
    seen: dict[str, list[tuple[list[float], int]]] = {"one": [], "two": []}

    def spy(name: str) -> object:
        def learner(X_own: Floats, y_own: Floats, X_asked: Floats, seed: int) -> Floats:
            np.testing.assert_array_equal(X_asked, X_test)
            seen[name].append((y_own.tolist(), seed))
            return np.full(len(X_asked), float(seed))

        return learner

    answers = refit({name: spy(name) for name in seen}, X, y, X_test, **BUDGET)
    assert seen["one"] == seen["two"]
    assert [seed for _, seed in seen["one"]] == [0, 1, 2, 3]
    np.testing.assert_array_equal(answers["two"][:, 0], [0, 1, 2, 3])


def test_each_step_does_what_it_is_for() -> None:
    X, y, X_test, truth = table()
    answers = refit(step_learners(**STEPS), X, y, X_test, **BUDGET)
    parts = {
        name: {part: values.mean() for part, values in split_error(one, truth).items()}
        for name, one in answers.items()
    }
    assert parts["bagged"]["variance"] < parts["single tree"]["variance"] / 2
    assert parts["boosted"]["error"] < parts["single tree"]["error"]
    assert parts["stacked"]["error"] < 1.1 * min(parts["bagged"]["error"], parts["boosted"]["error"])


def test_more_boosting_rounds_lower_the_bias() -> None:
    X, y, X_test, truth = table()
    bias = []
    for rounds in (5, 60):
        steps = step_learners(**{**STEPS, "boosted": {**STEPS["boosted"], "n_estimators": rounds}})
        answers = refit({"boosted": steps["boosted"]}, X, y, X_test, **BUDGET)
        bias.append(split_error(answers["boosted"], truth)["bias_squared"].mean())
    assert bias[1] < bias[0] / 2


def test_the_same_seed_gives_the_same_answers_to_the_last_bit() -> None:
    X, y, X_test, _ = table(100)
    for name, learner in step_learners(**STEPS).items():
        first, second = (learner(X, y, X_test, 3) for _ in range(2))
        np.testing.assert_array_equal(first, second, err_msg=name)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # AutoGluon's own deprecations are not ours to mend
def test_the_final_ensemble_is_a_learner() -> None:
    X, y, X_test, truth = table(200)
    learner = final_ensemble(
        families={"GBM": {"num_boost_round": 60}, "LR": {}},
        folds=2,
        stack_levels=1,
        stacked=["LR"],
        threads=1,
        time_limit_s=600,
    )
    answers = refit({"AutoGluon": learner}, X, y, X_test, **{**BUDGET, "refits": 2})["AutoGluon"]
    assert answers.shape == (2, len(truth))
    assert (answers[0] != answers[1]).any()
    assert np.mean((answers - truth) ** 2) < np.var(truth) / 2
