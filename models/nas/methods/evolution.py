"""Regularised evolution: the best of a sample has a mutated child, and the oldest dies.

Real, Aggarwal, Huang, Le, "Regularized Evolution for Image Classifier Architecture Search", AAAI 2019,
https://arxiv.org/abs/1802.01548, algorithm 1. Difference: a population of 16 with samples of 6 instead of 100
and 25, for budgets here are tens of trainings and not thousands.
"""

import random
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress

from models.nas.evaluate import Evaluate
from models.nas.history import BudgetSpentError, History, Ledger
from models.nas.space import Architecture, Space


def search(
    space: Space, evaluate: Evaluate, budget: int, seed: int, *, population: int = 16, sample: int = 6
) -> History:
    """Evolve; what has been trained already costs nothing when it is born again."""
    ledger = Ledger(evaluate, budget)
    pool = evaluate.candidates()
    rng = random.Random(seed)  # noqa: S311  not for secrets
    with suppress(BudgetSpentError):
        first = rng.sample(pool, min(population, len(pool)))
        evolve(space, ledger, first, dict.fromkeys(pool, 0.0), rng, sample=sample)
    return ledger.history


def evolve(
    space: Space,
    ledger: Ledger,
    first: Sequence[Architecture],
    promise: Mapping[Architecture, float],
    rng: random.Random,
    *,
    sample: int,
    proposals: int = 1,
) -> None:
    """Evolve from the architectures ``first`` until the ledger raises BudgetSpentError.

    A child is the most promising of ``proposals`` mutations; those without a ``promise`` cannot be asked for.
    """
    alive = deque(zip(first, ledger.scores(first), strict=True))
    while True:
        parents = rng.sample(list(alive), min(sample, len(alive)))
        parent = max(parents, key=lambda each: each[1])[0]
        mutations = [space.mutate(parent, rng) for _ in range(proposals)]
        allowed = [each for each in mutations if each in promise]
        if allowed:
            child = max(allowed, key=lambda each: promise[each])
            alive.append((child, ledger.score(child)))
            alive.popleft()
        else:
            ledger.idle()
