"""One-shot search: a supernet ranks candidates, the best train for a few epochs, the most promising in full.

Guo et al. 2020, https://arxiv.org/abs/1904.00420, with their uniform sampling or the fair one of Chu et al.
2021, https://arxiv.org/abs/1907.01845; see ``models.nas.supernet``. Difference: candidates are drawn at
random instead of evolved, for a space of a thousand can be ranked whole.
"""

import random
from contextlib import suppress

from models.data.data import head, length
from models.nas.evaluate import Evaluate
from models.nas.history import BudgetSpentError, History, Ledger
from models.nas.methods.successive_halving import affordable, halve
from models.nas.space import Space
from models.nas.supernet import Sampling, Supernet, fair_count

JUDGED = 250
"""Validation rows on which the supernet ranks a candidate."""


def search(
    space: Space,
    evaluate: Evaluate,
    budget: int,
    seed: int,
    *,
    sampling: Sampling = "uniform",
    share: float = 0.4,
    ranked: float = 0.2,
    few_epochs: int = 2,
) -> History:
    """Spend a ``share`` of the budget on the supernet, ``ranked`` on its ranking, the rest on training."""
    ledger = Ledger(evaluate, budget)
    with suppress(BudgetSpentError):
        rank(space, ledger, seed, sampling=sampling, share=share, ranked=ranked)
        ranking = dict(ledger.history.ranking)
        best = sorted(ranking, key=lambda each: -ranking[each])
        rungs = [few_epochs, ledger.lesson.epochs] if few_epochs < ledger.lesson.epochs else [few_epochs]
        count = affordable(ledger.lesson, rungs, 3, ledger.left)
        halve(ledger, best[:count], rungs, 3)
        ledger.history.ranking = ranking
    return ledger.history


def rank(space: Space, ledger: Ledger, seed: int, *, sampling: Sampling, share: float, ranked: float) -> None:
    """Train a supernet and let it rank candidates drawn at random; the ledger keeps the ranking."""
    lesson = ledger.lesson
    paths = 1 if sampling == "uniform" else fair_count(space)
    epochs = max(1, int(share * ledger.budget) // (paths * lesson.rows))
    ledger.pay(epochs * paths * lesson.rows)
    supernet = Supernet(space, lesson, seed)
    supernet.train(epochs, sampling)
    rows = head(lesson.data.validation, JUDGED)
    each = length(rows) // 3
    pool = list(ledger.evaluate.candidates())
    random.Random(seed).shuffle(pool)  # noqa: S311  not for secrets
    for architecture in pool[: int(ranked * ledger.budget) // each]:
        ledger.pay(each)
        ledger.history.ranking[architecture] = supernet.score(architecture, rows)
