"""Methods on a small made-up space: each finds the best, pays for what it does, and repeats by seed."""

from collections import Counter

import numpy as np
import pytest
import torch

from models.errors import SearchError
from models.nas.catalog import SPACES, lesson_of
from models.nas.history import BudgetSpentError, Ledger
from models.nas.lesson import Lesson
from models.nas.methods.catalog import DEFAULTS, METHODS, method_of
from models.nas.methods.reinforce import Controller, policy_loss
from models.nas.methods.successive_halving import affordable, rungs_of
from models.nas.space import Space
from tests.models.few_cells import small

CELLS = SPACES["cells"]
WORTH = {"none": 0.0, "skip": 0.2, "conv1": 0.5, "pool3": 0.3, "conv3": 1.0}


class Toy(Space):
    """Three edges of the cell are open, two fixed: twelve cells, of which three 3x3s are the best."""

    name, network = "cells", "cell_cnn"
    decisions = (("conv1", "conv3"), ("none", "conv1", "conv3"), ("skip",), ("none",), ("conv1", "conv3"))

    def canonical(self, architecture):
        return architecture

    def entries(self, architecture):
        return {"operations": architecture}

    def shared(self, config):
        return CELLS.shared(config)


BEST = ("conv3", "conv3", "skip", "none", "conv3")


class MadeUp:
    """Scores that grow with the operations' worth and with the epochs."""

    def __init__(self, lesson: Lesson) -> None:
        self.lesson = lesson
        self.asked: list[tuple] = []

    def __call__(self, architectures, epochs):
        self.asked += [(each, epochs) for each in architectures]
        return [sum(map(WORTH.get, each)) / 4 + 0.01 * epochs for each in architectures]

    def candidates(self):
        return Toy().architectures


@pytest.fixture(scope="module")
def lesson() -> Lesson:
    return small(epochs=3)


@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_method_finds_the_best_within_its_budget(name, lesson):
    evaluate = MadeUp(lesson)
    # As many steps as all trainings take, and what ranking costs beside them.
    budget = 4 * len(Toy().architectures) * lesson.full
    history = method_of(name)(Toy(), evaluate, budget, 0)
    assert history.best.architecture == BEST
    assert history.spent <= budget
    assert max(Counter(evaluate.asked).values()) == 1


@pytest.mark.parametrize("name", sorted(METHODS))
def test_the_same_seed_finds_the_same_and_no_budget_is_overdrawn(name, lesson):
    budget = 7 * lesson.full
    one, two = (method_of(name)(Toy(), MadeUp(lesson), budget, 3) for _ in range(2))
    assert one == two
    assert one.spent <= budget
    assert [trial.spent for trial in one.trials] == sorted(trial.spent for trial in one.trials)


def test_evolution_beats_chance_on_a_larger_space():
    class Sum(MadeUp):
        def candidates(self):
            return CELLS.architectures

    lesson = lesson_of(CELLS)
    scores = {}
    for name in ("evolution", "random"):
        runs = [method_of(name)(CELLS, Sum(lesson), 60 * lesson.full, seed) for seed in range(6)]
        scores[name] = np.mean([run.best.score for run in runs])
    assert scores["evolution"] > scores["random"]


def test_epochs_are_paid_once(lesson):
    ledger = Ledger(MadeUp(lesson), 10**9)
    for epochs in (1, 3, 3, 1):
        ledger.score(BEST, epochs)
    assert ledger.history.spent == lesson.cost(1) + lesson.cost(2)
    assert [trial.epochs for trial in ledger.history.trials] == [1, 3]


def test_what_is_asked_for_together_is_paid_in_order_and_trained_as_far_as_the_budget_reaches(lesson):
    pool, evaluate = Toy().architectures, MadeUp(lesson)
    ledger = Ledger(evaluate, 2 * lesson.full)
    with pytest.raises(BudgetSpentError):
        ledger.scores([pool[3], pool[1], pool[3], pool[7]])
    assert [(trial.architecture, trial.spent) for trial in ledger.history.trials] == [
        (pool[3], lesson.full),
        (pool[1], 2 * lesson.full),
    ]
    assert ledger.scores([pool[1], pool[3]]) == evaluate([pool[1], pool[3]], lesson.epochs)


def test_what_cannot_be_paid_is_not_done(lesson):
    evaluate = MadeUp(lesson)
    ledger = Ledger(evaluate, lesson.full - 1)
    with pytest.raises(BudgetSpentError):
        ledger.score(BEST)
    assert not evaluate.asked
    with pytest.raises(SearchError, match="one full training at least"):
        _ = ledger.history.best


def test_a_step_is_a_row_forwards_and_back(lesson):
    assert lesson.rows == 96
    assert lesson.full == 3 * 96 + 60 // 3


def test_rungs_and_what_may_begin_on_them(lesson):
    assert rungs_of(9, 1, 3) == [1, 3, 9]
    assert rungs_of(5, 2, 3) == [2, 5]
    # Nine begin for an epoch, three go on for two more.
    cost = 9 * lesson.cost(1) + 3 * lesson.cost(2)
    assert affordable(lesson, [1, 3], 3, cost) == 9
    assert affordable(lesson, [1, 3], 3, cost - 1) == 8


def test_the_policy_gradient_of_two_arms_is_the_formula():
    # d/dlogit of the expected reward is p(1 - p)(r1 - r0), whatever the baseline.
    logits = torch.tensor([0.3, -0.2], requires_grad=True)
    probabilities, rewards = torch.softmax(logits, 0).detach(), (1.0, 0.2)
    for baseline in (0.0, 0.5):
        logits.grad = None
        loss = sum(
            float(probabilities[arm]) * policy_loss(torch.log_softmax(logits, 0)[arm], rewards[arm], baseline)
            for arm in (0, 1)
        )
        loss.backward()
        p = float(probabilities[0])
        assert -logits.grad[0].item() == pytest.approx(p * (1 - p) * (rewards[0] - rewards[1]), rel=1e-5)


def test_the_controller_learns_which_of_two_arms_pays():
    torch.manual_seed(0)
    controller = Controller((2,))
    optimizer = torch.optim.Adam(controller.parameters(), lr=0.02)
    for _ in range(150):
        (arm,), log_probability, _ = controller()
        optimizer.zero_grad()
        policy_loss(log_probability, float(arm == 1), 0.5).backward()
        optimizer.step()
    assert controller([1])[1].exp().item() > 0.9


def test_an_untrained_controller_gives_every_architecture_the_same_chance():
    controller = Controller((5, 5))
    chances = [controller([a, b])[1].exp().item() for a in range(5) for b in range(5)]
    assert chances == pytest.approx([1 / 25] * 25)


def test_methods_are_found_by_name():
    assert set(DEFAULTS) == set(SPACES)
    assert set(DEFAULTS.values()) <= set(METHODS)
    with pytest.raises(SearchError, match=r"random.*'magic'"):
        method_of("magic")
