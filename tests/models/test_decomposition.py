import numpy as np
import pytest
from numpy.typing import NDArray

from models.decomposition import decompose, parts_table, split_error
from models.errors import ModelError
from models.plots import plot_decomposition

Floats = NDArray[np.float64]


def normal(*shape: int) -> Floats:
    return np.random.default_rng(0).normal(size=shape)


def test_two_refits_by_hand() -> None:
    parts = split_error(np.array([[1.0, 3.0], [3.0, 3.0]]), np.array([0.0, 3.0]))
    # Row 0: errors 1 and 9; mean answer 2; variance (1 + 1) / (2 - 1); bias 2 * 2 less half the variance.
    np.testing.assert_allclose(parts["error"], [5, 0])
    np.testing.assert_allclose(parts["variance"], [2, 0])
    np.testing.assert_allclose(parts["bias_squared"], [3, 0])


@pytest.mark.parametrize("refits", [2, 3, 10])
def test_the_parts_add_up_to_the_measured_error(refits: int) -> None:
    answers, truth = normal(refits, 50), normal(50) + 3
    parts = split_error(answers, truth)
    np.testing.assert_allclose(parts["error"], np.mean((answers - truth) ** 2, axis=0))
    told = decompose({"one": answers}, truth, resamples=20, confidence=0.9, seed=0)["one"]
    value = {name: part["value"] for name, part in told.items()}
    assert value["error"] == pytest.approx(np.mean((answers - truth) ** 2))
    assert value["error"] == pytest.approx(value["bias_squared"] + value["variance"], rel=1e-12)


def test_a_constant_learner_has_only_bias() -> None:
    parts = split_error(np.full((4, 3), 2.0), np.array([0.0, 2.0, 5.0]))
    np.testing.assert_array_equal(parts["variance"], 0)
    np.testing.assert_allclose(parts["bias_squared"], [4, 0, 9])


def test_few_refits_find_the_bias_and_variance_of_many() -> None:
    """A learner that is off by 0.5 with variance 1: a plain squared mean of 3 refits would say 0.25 + 1/3."""
    truth = np.zeros(40_000)
    parts = split_error(truth + 0.5 + normal(3, 40_000), truth)
    assert parts["bias_squared"].mean() == pytest.approx(0.25, abs=0.02)
    assert parts["variance"].mean() == pytest.approx(1, abs=0.02)


def test_intervals_hold_the_value_shrink_with_rows_and_repeat() -> None:
    width = {}
    for rows in (50, 5000):
        answers, truth = {"noisy": normal(4, rows), "too high": normal(4, rows) + 1}, np.zeros(rows)
        told = decompose(answers, truth, resamples=200, confidence=0.9, seed=1)
        assert told == decompose(answers, truth, resamples=200, confidence=0.9, seed=1)
        for parts in told.values():
            for one in parts.values():
                assert one["low"] < one["value"] < one["high"]
        # The same draws of rows for both learners, whose variances are the same.
        assert told["noisy"]["variance"] == pytest.approx(told["too high"]["variance"])
        width[rows] = told["noisy"]["error"]["high"] - told["noisy"]["error"]["low"]
    assert width[5000] < width[50] / 5


@pytest.mark.parametrize(
    ("answers", "truth", "says"),
    [
        (np.zeros((1, 3)), np.zeros(3), "2 or more refits"),
        (np.zeros((2, 3)), np.zeros(4), r"got \(2, 3\) and \(4,\)"),
        (np.zeros(3), np.zeros(3), r"got \(3,\)"),
        (np.zeros((2, 0)), np.zeros(0), r"got \(2, 0\)"),
        (np.full((2, 3), np.nan), np.zeros(3), "no finite number"),
        (np.zeros((2, 3)), np.full(3, np.inf), "no finite number"),
    ],
)
def test_what_cannot_be_split_is_refused(answers: Floats, truth: Floats, says: str) -> None:
    with pytest.raises(ModelError, match=says):
        split_error(answers, truth)


def test_the_table_and_the_plot_show_each_learner() -> None:
    answers = {"noisy": normal(4, 30), "constant": np.ones((4, 30))}
    table = parts_table(decompose(answers, np.zeros(30), resamples=20, confidence=0.9, seed=0))
    assert list(table["learner"]) == ["noisy", "constant"]
    assert list(table.columns[1:4]) == ["error", "error_low", "error_high"]
    assert table.loc[1, ["bias_squared", "variance"]].tolist() == [1, 0]
    axes = plot_decomposition(table).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["noisy", "constant"]
    ends = [bar.get_x() + bar.get_width() for bar in axes.containers[1]]
    assert ends == pytest.approx(table["error"].tolist(), abs=0.1)
