import numpy as np
import pytest

from models.conformal import Interval, covered, fit_interval
from models.errors import ModelError


def test_the_radius_is_the_rank_that_the_guarantee_asks_for():
    y, predicted = np.arange(9.0) + 1, np.zeros(9)
    # ceil(10 * 0.8) = 8: the eighth of the differences 1 ... 9.
    interval = fit_interval(y, predicted, coverage=0.8, log_target=False)
    assert interval == Interval(0.8, 8.0, 9, log_target=False)
    assert interval.around(np.array([5.0])) == (pytest.approx([-3]), pytest.approx([13]))


def test_on_a_log_scale_the_interval_is_as_wide_as_the_prediction_is_large():
    interval = Interval(0.9, np.log(2), 100, log_target=True)
    low, high = interval.around(np.array([99.0, 999.0]))
    assert low == pytest.approx([49, 499])
    assert high == pytest.approx([199, 1999])


@pytest.mark.parametrize("log_target", [True, False])
def test_over_many_draws_it_covers_as_often_as_it_says_and_hardly_more(log_target):
    random, shares = np.random.default_rng(0), []
    for _ in range(300):
        y = random.lognormal(3, 0.5, 260)
        predicted = y * random.lognormal(0.05, 0.2, 260)  # off to one side, and noisy
        interval = fit_interval(y[:60], predicted[:60], coverage=0.9, log_target=log_target)
        shares.append(covered(y[60:], *interval.around(predicted[60:])))
    assert 0.9 - 0.005 <= np.mean(shares) <= 0.9 + 1 / 61 + 0.005


@pytest.mark.parametrize(("rows", "coverage"), [(8, 0.9), (100, 1.0), (100, 0.0)])
def test_too_few_rows_or_no_coverage_is_refused(rows, coverage):
    with pytest.raises(ModelError, match="coverage between 0 and 1"):
        fit_interval(np.ones(rows), np.ones(rows), coverage=coverage, log_target=True)
