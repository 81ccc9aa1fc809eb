"""Verdicts on searches, by tables small enough to check by eye."""

import math

import numpy as np
import pytest

from models.nas.catalog import SPACES, lesson_of
from models.nas.history import History, Trial
from models.nas.judge import Truth, exhaustive, judge, paired, tau_interval
from models.nas.space import Architecture, Space
from models.nas.table import Table, packaged
from models.nas.training import Measured


class Numbers(Space):
    """Two hundred architectures, each a number."""

    name, network = "numbers", "mlp"
    decisions = (tuple(map(str, range(200))),)

    def canonical(self, architecture):
        return architecture

    def entries(self, architecture):
        return {}


def table() -> Table:
    """Architecture n is truly worth n / 200."""
    space = Numbers()
    rows = [Measured(each, 0, (0.1, 0.2), int(each[0]) / 200, 1, 1) for each in space.architectures]
    return Table(space, {}, {(row.architecture, 0): row for row in rows})


def arch(number: int) -> Architecture:
    return (str(number),)


def test_the_top_is_a_hundredth_of_all_and_one_at_least():
    truth = Truth(table())
    assert [number for number in range(200) if truth.is_top(arch(number))] == [198, 199]
    assert [number for number in range(200) if truth.is_top(arch(number), 0.001)] == [199]
    assert truth.share_above(arch(149)) == pytest.approx(50 / 200)


def test_a_verdict_tells_regret_compute_and_when_the_top_came():
    history = History(2, spent=90)
    history.trials = [
        Trial(arch(150), 2, 0.9, 30),
        Trial(arch(199), 1, 0.5, 40),
        Trial(arch(199), 2, 0.8, 60),
        Trial(arch(10), 2, 0.3, 90),
    ]
    history.ranking = {arch(1): 0.1, arch(2): 0.3, arch(3): 0.2}
    verdict = judge(history, Truth(table()), total=1000)
    assert verdict.regret == pytest.approx(49 / 200)
    assert verdict.compute == 0.09
    assert verdict.top_compute == 0.06
    assert verdict.found
    assert not verdict.returned
    assert verdict.tau == pytest.approx(1 / 3)
    assert verdict.spearman == pytest.approx(0.5)


def test_a_method_that_ranks_nothing_has_no_tau():
    history = History(1, [Trial(arch(5), 1, 0.5, 10)], spent=10)
    verdict = judge(history, Truth(table()), total=100)
    assert math.isnan(verdict.tau)
    assert math.isinf(verdict.top_compute)
    assert all(map(math.isnan, tau_interval([{}], Truth(table()))))


def test_the_interval_of_tau_holds_the_taus_of_noisy_rankings():
    rng = np.random.default_rng(0)
    rankings = [{arch(number): number + rng.normal(0, 60) for number in range(200)} for _ in range(4)]
    low, high = tau_interval(rankings, Truth(table()))
    assert 0 < low < high < 1
    assert high - low < 0.15
    assert tau_interval([{arch(n): float(n) for n in range(50)}], Truth(table())) == pytest.approx((1, 1))


def test_guesses_of_minus_infinity_are_least():
    guessed, true = paired({arch(1): -math.inf, arch(2): 0.0}, Truth(table()))
    assert np.isfinite(guessed).all()
    assert guessed[0] < guessed[1]
    assert true.tolist() == [1 / 200, 2 / 200]


@pytest.mark.parametrize("name", sorted(SPACES))
def test_the_packaged_tables_were_measured_on_the_lesson_that_the_code_gives(name):
    space = SPACES[name]
    found, lesson = packaged(space), lesson_of(space)
    assert found.about == lesson.about(name)
    assert set(found.architectures) <= set(space.architectures)
    assert exhaustive(found, lesson) == len(found.architectures) * lesson.full
