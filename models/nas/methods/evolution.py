"""Regularised evolution: the best of a sample has a mutated child, and the oldest dies.

Real, Aggarwal, Huang, Le, "Regularized Evolution for Image Classifier Architecture Search", AAAI 2019,
https://arxiv.org/abs/1802.01548, algorithm 1. Difference: a population of 16 with samples of 6 instead of 100
and 25, for budgets here are tens of trainings and not thousands.
"""

import random
from collections import deque
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
        evolve(space, ledger, first, set(pool), rng, sample)
    return ledger.history


def evolve(
    space: Space,
    ledger: Ledger,
    first: list[Architecture],
    allowed: set[Architecture],
    rng: random.Random,
    sample: int,
) -> None:
    """Evolve from the architectures ``first`` until the ledger raises BudgetSpentError."""
    alive = deque((architecture, ledger.score(architecture)) for architecture in first)
    while True:
        parents = rng.sample(list(alive), min(sample, len(alive)))
        parent = max(parents, key=lambda each: each[1])[0]
        child = space.mutate(parent, rng)
        while child not in allowed:
            child = space.mutate(parent, rng)
        alive.append((child, ledger.score(child)))
        alive.popleft()
