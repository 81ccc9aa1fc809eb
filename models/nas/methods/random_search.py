"""Random search: train architectures drawn at random until the budget is spent.

Li, Talwalkar, "Random Search and Reproducibility for Neural Architecture Search", UAI 2019,
https://arxiv.org/abs/1902.07638: what every other method has to beat.
"""

import random
from contextlib import suppress

from models.nas.evaluate import Evaluate
from models.nas.history import BudgetSpentError, History, Ledger
from models.nas.space import Space


def search(space: Space, evaluate: Evaluate, budget: int, seed: int) -> History:  # noqa: ARG001  one contract
    """Train without drawing one twice."""
    ledger, pool = Ledger(evaluate, budget), list(evaluate.candidates())
    random.Random(seed).shuffle(pool)  # noqa: S311  not for secrets
    with suppress(BudgetSpentError):
        ledger.scores(pool)
    return ledger.history
