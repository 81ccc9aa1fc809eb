"""Zero-cost search: rank many untrained networks by a proxy, train the first of the ranking.

Abdelfattah, Mehrotra, Dudziak, Lane, "Zero-Cost Proxies for Lightweight NAS", ICLR 2021,
https://arxiv.org/abs/2101.08134; its vote of several proxies is here the mean of their ranks.
"""

import random
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, cast

import numpy as np
import torch
from scipy.stats import rankdata
from torch import Tensor, nn

from models.nas.evaluate import Evaluate
from models.nas.history import BudgetSpentError, History, Ledger
from models.nas.lesson import Lesson
from models.nas.proxies import PROXIES
from models.nas.space import Architecture, Space
from models.nas.training import build
from models.recipe import Learner

BATCH = 32
"""Rows that a proxy looks at, each of them a step."""


def search(
    space: Space,
    evaluate: Evaluate,
    budget: int,
    seed: int,
    *,
    proxies: Sequence[str] = tuple(PROXIES),
    share: float = 0.3,
) -> History:
    """Spend a ``share`` of the budget on ranking at most, the rest on training from the first on."""
    ledger = Ledger(evaluate, budget)
    with suppress(BudgetSpentError):
        ranking = ranked(space, ledger, seed, proxies=proxies, share=share)
        ledger.scores(sorted(ranking, key=lambda each: -ranking[each]))
    return ledger.history


def ranked(
    space: Space, ledger: Ledger, seed: int, *, proxies: Sequence[str] = tuple(PROXIES), share: float = 0.3
) -> dict[Architecture, float]:
    """Rank as many architectures as a ``share`` of the budget pays for; the ledger keeps the ranking.

    Raises BudgetSpentError where it pays for none.
    """
    pool = list(ledger.evaluate.candidates())
    random.Random(seed).shuffle(pool)  # noqa: S311  not for secrets
    count = int(share * ledger.budget) // (BATCH * len(proxies))
    chosen = pool[:count]
    if not chosen:
        raise BudgetSpentError
    ledger.pay(len(chosen) * BATCH * len(proxies))
    scores = [judge(space, ledger.lesson, each, seed, proxies) for each in chosen]
    votes = np.mean([rankdata(column) for column in zip(*scores, strict=True)], axis=0)
    ledger.history.ranking |= dict(zip(chosen, votes.tolist(), strict=True))
    return ledger.history.ranking


def judge(
    space: Space, lesson: Lesson, architecture: Architecture, seed: int, proxies: Sequence[str]
) -> list[float]:
    """Return what each proxy makes of an architecture with fresh weights."""
    learner = build(space, lesson, architecture, seed)
    network, x = _inside(learner, lesson)
    return [PROXIES[name](network, x) for name in proxies]


def _inside(learner: Learner, lesson: Lesson) -> tuple[nn.Module, Tensor]:
    """The network inside its task, and one training batch as it sees it."""
    head = cast("Any", learner.task).head
    train = lesson.data.train
    with torch.no_grad():
        if "image" in train:
            return head.network, head.scale(cast("Tensor", train["image"])[:BATCH])
        return head.network, cast("Tensor", train["x"])[:BATCH]
