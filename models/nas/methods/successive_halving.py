"""Successive halving on epochs: many architectures begin, the best third of each rung goes on.

Jamieson, Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter Optimization", AISTATS 2016,
https://arxiv.org/abs/1502.07943. Rounds as large as the budget pays for: one round.
"""

import random
from contextlib import suppress

from models.nas.evaluate import Evaluate
from models.nas.history import BudgetSpentError, History, Ledger
from models.nas.lesson import Lesson
from models.nas.space import Architecture, Space


def search(
    space: Space,  # noqa: ARG001  one contract
    evaluate: Evaluate,
    budget: int,
    seed: int,
    *,
    keep: int = 3,
    first_epochs: int = 2,
) -> History:
    """Halve one round of architectures drawn at random; the ranking is the first rung's score."""
    ledger, pool = Ledger(evaluate, budget), evaluate.candidates()
    rungs = rungs_of(ledger.lesson.epochs, first_epochs, keep)
    count = min(len(pool), affordable(ledger.lesson, rungs, keep, budget))
    rng = random.Random(seed)  # noqa: S311  not for secrets
    halve(ledger, rng.sample(pool, count), rungs, keep)
    return ledger.history


def rungs_of(epochs: int, first: int, keep: int) -> list[int]:
    """Return the epochs of each rung: ``first``, then ``keep`` times as many, at last all."""
    rungs = []
    while first < epochs:
        rungs.append(first)
        first *= keep
    return [*rungs, epochs]


def affordable(lesson: Lesson, rungs: list[int], keep: int, budget: int) -> int:
    """Return how many architectures may begin, so that the last rung is still paid for."""
    count = 0
    while _cost(lesson, count + 1, rungs, keep) <= budget:
        count += 1
    return count


def _cost(lesson: Lesson, count: int, rungs: list[int], keep: int) -> int:
    total, before = 0, 0
    for rung in rungs:
        total += count * lesson.cost(rung - before)
        count, before = max(1, count // keep), rung
    return total


def halve(ledger: Ledger, starters: list[Architecture], rungs: list[int], keep: int) -> None:
    """Take architectures from rung to rung as far as the budget reaches."""
    with suppress(BudgetSpentError):
        for rung in rungs:
            scores = dict(zip(starters, ledger.scores(starters, rung), strict=True))
            if rung == rungs[0]:
                ledger.history.ranking |= scores
            starters = sorted(scores, key=lambda each: -scores[each])[: max(1, len(starters) // keep)]
