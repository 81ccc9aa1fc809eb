"""What a process has counted of its answers and runs, in a form that can be written, read and added up."""

import json
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

Key = tuple[str, ...]
"""The values of a figure's labels: model, version, and for requests protocol and status."""
SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
DIFFERENCES = (0.0, 1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096, 16_384)


@dataclass(slots=True)
class Spread:
    """A histogram: how many values lie up to each edge and over the one before, then over all; their sum."""

    counts: list[int]
    total: float = 0.0


@dataclass(slots=True)
class Histograms:
    """A histogram for each key, all with the same edges. Not for several threads at once."""

    edges: Sequence[float]
    by_key: dict[Key, Spread] = field(default_factory=dict)

    def note(self, key: Key, value: float) -> None:
        """Count one value."""
        spread = self._get(key)
        spread.counts[bisect_left(self.edges, value)] += 1
        spread.total += value

    def add(self, other: "Histograms") -> None:
        """Count all that `other` did."""
        for key, more in other.by_key.items():
            spread = self._get(key)
            spread.counts = [mine + its for mine, its in zip(spread.counts, more.counts, strict=True)]
            spread.total += more.total

    def _get(self, key: Key) -> Spread:
        spread = self.by_key.get(key)
        if spread is None:
            spread = self.by_key[key] = Spread([0] * (len(self.edges) + 1))
        return spread


@dataclass(slots=True)
class Counts:
    """Answers, their seconds, requests and rows that shared a run, what waits now, what shadows answered,
    and the bins (model, version, input, place) of the last rows."""

    requests: dict[Key, int] = field(default_factory=dict)
    waiting: dict[Key, int] = field(default_factory=dict)
    shadows: dict[Key, int] = field(default_factory=dict)
    windows: dict[Key, int] = field(default_factory=dict)
    differences: Histograms = field(default_factory=lambda: Histograms(DIFFERENCES))
    seconds: Histograms = field(default_factory=lambda: Histograms(SECONDS))
    run_requests: Histograms = field(default_factory=lambda: Histograms(SIZES))
    run_rows: Histograms = field(default_factory=lambda: Histograms(SIZES))

    def add(self, other: "Counts") -> None:
        """Count all that `other` did."""
        for name in _NUMBERS:
            mine = getattr(self, name)
            for key, number in getattr(other, name).items():
                mine[key] = mine.get(key, 0) + number
        for name in _HISTOGRAMS:
            getattr(self, name).add(getattr(other, name))

    def to_json(self) -> str:
        """All of it as text."""
        document: dict[str, Any] = {
            name: [[*key, number] for key, number in getattr(self, name).items()] for name in _NUMBERS
        }
        for name in _HISTOGRAMS:
            spreads = getattr(self, name).by_key.items()
            document[name] = [[list(key), spread.counts, spread.total] for key, spread in spreads]
        return json.dumps(document)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What `to_json` wrote."""
        document, counts = json.loads(text), cls()
        for name in _NUMBERS:
            setattr(counts, name, {tuple(key): number for *key, number in document[name]})
        for name in _HISTOGRAMS:
            made = {tuple(key): Spread(numbers, total) for key, numbers, total in document[name]}
            getattr(counts, name).by_key = made
        return counts


_NUMBERS = ("requests", "waiting", "shadows", "windows")
_HISTOGRAMS = ("seconds", "run_requests", "run_rows", "differences")
