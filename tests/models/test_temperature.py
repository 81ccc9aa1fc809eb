import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import log_loss

from models.temperature import calibration_error, fit_temperature, tempered


def drawn(rows: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of three classes, and classes drawn by them: no temperature makes these better."""
    random = np.random.default_rng(0)
    shares = softmax(random.normal(0, 1.5, (rows, 3)), axis=1)
    classes = (random.random((rows, 1)) > shares.cumsum(axis=1)).sum(axis=1)
    return shares, np.minimum(classes, 2)


def test_what_is_right_stays_and_what_is_too_certain_is_cooled():
    shares, classes = drawn()
    assert fit_temperature(shares, classes) == pytest.approx(1, abs=0.03)
    certain = tempered(shares, 0.5)
    found = fit_temperature(certain, classes)
    assert found == pytest.approx(2, abs=0.06)
    mended = tempered(certain, found)
    assert log_loss(classes, mended) < log_loss(classes, certain)
    assert calibration_error(mended, classes) < 0.2 * calibration_error(certain, classes)


def test_a_temperature_changes_no_class_and_one_changes_nothing():
    shares, _ = drawn(500)
    assert tempered(shares, 1.0) == pytest.approx(shares)
    hot = tempered(shares, 3.0)
    assert np.array_equal(hot.argmax(axis=1), shares.argmax(axis=1))
    assert hot.sum(axis=1) == pytest.approx(np.ones(500))


def test_the_calibration_error_of_an_example_worked_by_hand():
    # Two rows at 0.9, one of them right; two at 0.6, both right: gaps 0.4 and 0.4.
    shares = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.4, 0.6]])
    assert calibration_error(shares, np.array([0, 1, 0, 1])) == pytest.approx(0.4)


def test_answers_that_are_right_and_sure_cannot_be_bettered_without_bounds():
    shares = np.array([[0.9, 0.1], [0.2, 0.8]])
    assert fit_temperature(shares, np.array([0, 1])) >= 0.05
