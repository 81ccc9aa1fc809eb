"""Searches over subsets of columns: forward, floating and backward, with an early stop.

They know no data: `score` takes a list of column indices and answers how good they are, more is better.
Of equal candidates the column further left is taken, so that a search has no chance in it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from features.selection.base import Floats

Score = Callable[[Sequence[int]], float]


@dataclass
class Search:
    """What a search met: the best subset of each size, with its score, and a rank for every column.

    `ranks` (d,): more is better.
    """

    best: dict[int, tuple[float, tuple[int, ...]]] = field(default_factory=dict)
    ranks: Floats = field(default_factory=lambda: np.empty(0))

    def improves(self, columns: Sequence[int], value: float) -> bool:
        """Keeps `columns` if they are the best of their size yet; says whether they are."""
        if value <= self.best.get(len(columns), (-np.inf, ()))[0]:
            return False
        self.best[len(columns)] = (value, tuple(columns))
        return True


def search_forward(
    score: Score, columns: int, *, tolerance: float, patience: int, floating: bool = False
) -> Search:
    """Enters the column that helps most, again and again; `floating` drops those that came to be superfluous.

    Stops when `patience` entries in a row did not lift the best score by `tolerance`. A column ranks by the
    number of best subsets that it is in; those that are in none rank below, by the score that each would have
    given at the last entry. Floating: after each entry, columns are dropped as long as that makes the best
    subset of its size yet, other than the one just entered (Pudil, Novovicova, Kittler 1994).
    """
    search, chosen, last = Search(), list[int](), dict[int, float]()
    best, waited = -np.inf, 0
    while len(chosen) < columns and waited < patience:
        last = {j: score([*chosen, j]) for j in range(columns) if j not in chosen}
        entered = max(last, key=last.__getitem__)
        chosen.append(entered)
        search.improves(chosen, last[entered])
        if floating:
            chosen = _drop_superfluous(score, search, chosen)
        best, waited = _patience(last[entered], best, waited, tolerance)
    search.ranks = _ranks_by_entry(search, last, columns)
    return search


def search_backward(score: Score, columns: int, *, tolerance: float, patience: int) -> Search:
    """Drops the column that is missed least, again and again, from all columns on.

    Stops when `patience` drops in a row left the score more than `tolerance` below the best. A column ranks
    by when it was dropped; those that were not rank above, by how much each would be missed at the last drop.
    """
    search, left, dropped = Search(), list(range(columns)), list[int]()
    best, waited = score(left), 0
    search.improves(left, best)
    while len(left) > 1 and waited < patience:
        without = {j: score(_less(left, j)) for j in left}
        least = max(without, key=without.__getitem__)
        left = _less(left, least)
        dropped.append(least)
        search.improves(left, without[least])
        waited = 0 if without[least] >= best - tolerance else waited + 1
        best = max(best, without[least])
    missed = {j: score(_less(left, j)) for j in left} if len(left) > 1 else {}
    order = [*dropped, *sorted(left, key=lambda j: (-missed.get(j, 0.0), -j))]
    search.ranks = np.empty(columns)
    search.ranks[order] = np.arange(columns, dtype="float64")
    return search


def _drop_superfluous(score: Score, search: Search, chosen: list[int]) -> list[int]:
    entered = chosen[-1]
    while len(chosen) > 2:
        without = {j: score(_less(chosen, j)) for j in chosen}
        least = max(without, key=without.__getitem__)
        if least == entered or not search.improves(_less(chosen, least), without[least]):
            break
        chosen = _less(chosen, least)
    return chosen


def _patience(value: float, best: float, waited: int, tolerance: float) -> tuple[float, int]:
    """The best score that counts, and how many steps have not bettered it by `tolerance`."""
    return (value, 0) if value >= best + tolerance else (best, waited + 1)


def _ranks_by_entry(search: Search, last: dict[int, float], columns: int) -> Floats:
    ranks = np.zeros(columns)
    for _, subset in search.best.values():
        ranks[list(subset)] += 1
    never = [j for j in range(columns) if ranks[j] == 0]
    for place, j in enumerate(sorted(never, key=lambda j: -last.get(j, -np.inf))):
        ranks[j] = -place / columns
    return ranks


def _less(columns: Iterable[int], dropped: int) -> list[int]:
    return [j for j in columns if j != dropped]
