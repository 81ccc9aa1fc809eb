"""Regularised evolution that a zero-cost proxy starts and steers.

Abdelfattah, Mehrotra, Dudziak, Lane, "Zero-Cost Proxies for Lightweight NAS", ICLR 2021,
https://arxiv.org/abs/2101.08134: the first population is the best of a ranking ("warm-up"), and of several
mutations the best ranked is trained ("move proposal"). Difference: synflow alone instead of a vote.
"""

import random
from contextlib import suppress

from models.nas.evaluate import Evaluate
from models.nas.history import BudgetSpentError, History, Ledger
from models.nas.methods.evolution import evolve
from models.nas.methods.zero_cost import ranked
from models.nas.space import Space


def search(
    space: Space,
    evaluate: Evaluate,
    budget: int,
    seed: int,
    *,
    proxy: str = "synflow",
    population: int = 16,
    sample: int = 6,
    proposals: int = 4,
) -> History:
    """Rank, then evolve from the first of the ranking."""
    ledger = Ledger(evaluate, budget)
    rng = random.Random(seed)  # noqa: S311  not for secrets
    with suppress(BudgetSpentError):
        ranking = ranked(space, ledger, seed, proxies=(proxy,))
        first = sorted(ranking, key=lambda each: -ranking[each])[:population]
        evolve(space, ledger, first, ranking, rng, sample=sample, proposals=proposals)
    return ledger.history
