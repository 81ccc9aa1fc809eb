"""What a search was worth, by the table: regret, compute, and how well the method's own ranking is right."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau, spearmanr

from models.nas.history import History
from models.nas.lesson import Lesson
from models.nas.space import Architecture
from models.nas.table import Table

RESAMPLES = 500


class Truth:
    """The architectures of a table in their true order; those that score alike share a place."""

    def __init__(self, table: Table) -> None:
        self.scores = {each: table.true(each) for each in table.architectures}
        self.best = max(self.scores.values())
        self._sorted = np.sort(list(self.scores.values()))

    def share_above(self, architecture: Architecture) -> float:
        """Return which share of the architectures is truly better."""
        place = np.searchsorted(self._sorted, self.scores[architecture], side="right")
        return float(len(self._sorted) - place) / len(self._sorted)

    def is_top(self, architecture: Architecture, share: float = 0.01) -> bool:
        """Return whether an architecture is among the best ``share``, of which there is one at least."""
        allowed = max(1, math.ceil(share * len(self._sorted)))
        return round(self.share_above(architecture) * len(self._sorted)) < allowed


@dataclass(frozen=True)
class Verdict:
    """One search judged.

    ``regret`` is the true best's score minus that of what the search returns; ``found`` whether it trained
    one of the true top 1% in full, at ``top_compute`` of exhaustive compute (infinite if it did not),
    ``returned`` whether its answer is one. ``tau`` and ``spearman`` compare the method's ranking with the
    truth (NaN without one).
    """

    regret: float
    compute: float
    top_compute: float
    found: bool
    returned: bool
    tau: float
    spearman: float


def exhaustive(table: Table, lesson: Lesson) -> int:
    """Return the steps of training every architecture of the table once."""
    return len(table.architectures) * lesson.full


def judge(history: History, truth: Truth, total: int) -> Verdict:
    """Judge a history; ``total`` are the steps of exhaustive search."""
    best = history.best.architecture
    whole = (trial for trial in history.trials if trial.epochs == history.full)
    top = [trial.spent for trial in whole if truth.is_top(trial.architecture)]
    guessed, true = paired(history.ranking, truth)
    ranked = len(guessed) > 1
    return Verdict(
        regret=truth.best - truth.scores[best],
        compute=history.spent / total,
        top_compute=top[0] / total if top else math.inf,
        found=bool(top),
        returned=truth.is_top(best),
        tau=float(kendalltau(guessed, true)[0]) if ranked else math.nan,
        spearman=float(spearmanr(guessed, true)[0]) if ranked else math.nan,
    )


def paired(
    ranking: dict[Architecture, float], truth: Truth
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the ranking's guesses and the true scores of the same architectures; -inf becomes least."""
    both = [(guess, truth.scores[each]) for each, guess in ranking.items() if each in truth.scores]
    guessed, true = np.array(both, dtype=np.float64).reshape(-1, 2).T
    return np.nan_to_num(guessed, neginf=-1e30), true


def tau_interval(
    rankings: Sequence[dict[Architecture, float]], truth: Truth, *, level: float = 0.95
) -> tuple[float, float]:
    """Return a percentile bootstrap interval of the mean tau of several searches.

    Searches are resampled, and in each its architectures, so that both sources of chance count.
    """
    pairs = [each for each in (paired(ranking, truth) for ranking in rankings) if len(each[0]) > 1]
    if not pairs:
        return math.nan, math.nan
    rng = np.random.default_rng(0)
    means = []
    for _ in range(RESAMPLES):
        taus = []
        for at in rng.integers(len(pairs), size=len(pairs)):
            guessed, true = pairs[at]
            rows = rng.integers(len(guessed), size=len(guessed))
            taus.append(kendalltau(guessed[rows], true[rows])[0])
        means.append(np.nanmean(taus))
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
