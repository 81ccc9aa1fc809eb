"""Learning-rate schedules."""

from itertools import pairwise

import pytest

from models.errors import TrainingError
from models.schedules import SCHEDULES, rate_factor


def test_constant_stays():
    assert {rate_factor("constant", step, 10) for step in range(10)} == {1.0}


def test_cosine_falls_from_one_towards_zero():
    factors = [rate_factor("cosine", step, 100) for step in range(100)]
    assert factors[0] == 1.0
    assert factors == sorted(factors, reverse=True)
    assert 0 < factors[-1] < 0.001


def test_one_cycle_peaks_at_three_tenths():
    factors = [rate_factor("one_cycle", step, 100) for step in range(100)]
    assert factors.index(max(factors)) == 30
    assert max(factors) == pytest.approx(1.0)
    assert factors[0] == pytest.approx(0.04)


@pytest.mark.parametrize("name", sorted(SCHEDULES))
def test_warm_up_rises_linearly_and_never_starts_at_zero(name):
    factors = [rate_factor(name, step, 100, warm_up=0.1) for step in range(10)]
    steps = [later - earlier for earlier, later in pairwise(factors)]
    assert factors[0] > 0
    assert steps == pytest.approx([steps[0]] * len(steps))
    assert factors[-1] < 1


def test_an_unknown_schedule_names_those_there_are():
    with pytest.raises(TrainingError, match=r"cosine.*'linear'"):
        rate_factor("linear", 0, 10)  # type: ignore[arg-type]


def test_warm_up_is_a_share():
    with pytest.raises(TrainingError, match=r"\[0, 1\)"):
        rate_factor("cosine", 0, 10, warm_up=5)
