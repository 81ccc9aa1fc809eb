"""Whether what is asked still looks like what was learnt from: the last rows against the bundle's histograms.

The population stability index of an input is the sum over bins of (p - q) ln(p / q), where p are the window's
shares and q those of the training rows (Siddiqi, Credit Risk Scorecards, 2006): below 0.1 is stable, above
0.25 has shifted. Bins of the histogram are joined until each holds 5 % of the training rows. Missing values
and categories that training has not seen are shares of their own. Rows are sampled when there are very many.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import log as ln
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.bundle import Bundle, CategoryHistogram, NumberHistogram
from serving.infer_request import Arrays
from serving.metrics import Metrics
from serving.model import Label, Model

WINDOW_ROWS, ENOUGH_ROWS = 10_000, 500
SHIFTED, STABLE = 0.25, 0.1
SMALLEST_SHARE, FLOOR = 0.05, 1e-4
Counts = NDArray[np.int64]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class InputDrift:
    """One input: its index, and shares (0 to 1) that are missing now, were in training, and are unseen."""

    name: str
    psi: float
    missing: float
    missing_in_training: float
    unseen: float


class Feature:
    """One input's bins; the last two places of its counts are for missing and unseen values."""

    def __init__(self, name: str, histogram: NumberHistogram | CategoryHistogram) -> None:
        self.name = name
        self.edges: NDArray[np.float64] | None = None
        self.places: dict[str, int] = {}
        if isinstance(histogram, NumberHistogram):
            joined, counts = _joined(histogram)
            self.edges = np.array(joined[1:-1])
        else:
            self.places = {category: at for at, category in enumerate(histogram.categories)}
            counts = list(histogram.categories.values())
        total = max(sum(counts) + histogram.missing, 1)
        self.missing = histogram.missing / total
        self.shares = np.array(counts, np.float64) / max(sum(counts), 1)
        self.size = len(counts) + 2

    def bins(self, column: NDArray[Any]) -> NDArray[np.int64]:
        """The place of each value of a column."""
        if self.edges is None:
            missing, unseen = self.size - 2, self.size - 1
            found = (missing if value == "" else self.places.get(value, unseen) for value in column.tolist())
            return np.fromiter(found, np.int64, len(column))
        values = column.astype(np.float64)
        places = np.searchsorted(self.edges, values, side="right")
        return np.where(np.isnan(values), self.size - 2, places)

    def drift(self, counts: Counts) -> InputDrift:
        """What the counts of a window say."""
        rows, known = max(int(counts.sum()), 1), counts[:-2]
        total = int(known.sum())
        psi = _index(known / total, self.shares) if total else 0.0
        return InputDrift(
            self.name,
            psi=round(psi, 6),
            missing=int(counts[-2]) / rows,
            missing_in_training=self.missing,
            unseen=int(counts[-1]) / rows,
        )


def _joined(histogram: NumberHistogram) -> tuple[list[float], list[int]]:
    """Edges and counts of a histogram whose small bins are joined with what follows."""
    least = SMALLEST_SHARE * sum(histogram.counts)
    edges, counts, held = [histogram.edges[0]], [], 0
    for edge, count in zip(histogram.edges[1:], histogram.counts, strict=True):
        held += count
        if held >= least and held > 0:
            edges.append(edge)
            counts.append(held)
            held = 0
    if not counts:
        return [histogram.edges[0], histogram.edges[-1]], [held]
    counts[-1] += held
    edges[-1] = histogram.edges[-1]
    return edges, counts


def _index(now: NDArray[np.float64], then: NDArray[np.float64]) -> float:
    pairs = zip(np.maximum(now, FLOOR).tolist(), np.maximum(then, FLOOR).tolist(), strict=True)
    return float(sum((p - q) * ln(p / q) for p, q in pairs))


class Window:
    """The last rows that one version of a model was asked for, as counts by bin."""

    def __init__(self, bundle: Bundle) -> None:
        self.features = [
            Feature(each.name, bundle.histograms[each.name])
            for each in bundle.inputs
            if each.name in bundle.histograms and each.kind != "tensor"
        ]
        self._rows = np.zeros((WINDOW_ROWS, len(self.features)), np.int16)
        self._at = self._filled = 0
        self.warned: set[str] = set()

    def add(self, arrays: Arrays) -> None:
        """Take in rows in the place of the oldest."""
        for feature in self.features[:1]:
            rows = min(len(arrays[feature.name]), WINDOW_ROWS)
            places = (self._at + np.arange(rows)) % WINDOW_ROWS
            for column, each in enumerate(self.features):
                self._rows[places, column] = each.bins(arrays[each.name].reshape(-1)[-rows:])
            self._at = int(places[-1] + 1) % WINDOW_ROWS if rows else self._at
            self._filled = min(self._filled + rows, WINDOW_ROWS)

    @property
    def rows(self) -> int:
        """How many rows are in it."""
        return self._filled

    def counts(self) -> dict[str, Counts]:
        """Each input's counts by bin."""
        held = self._rows[: self._filled]
        return {
            each.name: np.bincount(held[:, at], minlength=each.size) for at, each in enumerate(self.features)
        }


class Drift:
    """The windows of all models of a process; what they count goes to its metrics, and there to others."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._windows: dict[tuple[str, int], Window] = {}
        metrics.drift = self.all_reports

    def look(self, models: Iterable[Model]) -> None:
        """Take in what models were asked since the last look; warn of inputs that have shifted."""
        for model in models:
            seen = model.take_seen()
            if not seen or not model.bundle.histograms:
                continue
            window = self._window(model.bundle)
            for arrays in seen:
                window.add(arrays)
            self._tell(model.label, window)
            _warn(model.bundle, window)

    def report(self, bundle: Bundle) -> tuple[int, list[InputDrift]]:
        """The rows in a version's windows, of all processes, and what they say, the most shifted first."""
        found = _report(self._window(bundle), self._counted((bundle.name, str(bundle.version))))
        return found[0], sorted(found[1], key=lambda each: -each.psi)

    def all_reports(self) -> Iterator[tuple[Label, int, list[InputDrift]]]:
        """Every version's report."""
        for (name, version), window in self._windows.items():
            who = (name, str(version))
            yield (who, *_report(window, self._counted(who)))

    def _tell(self, who: Label, window: Window) -> None:
        held = dict(self._metrics.counts.windows)
        for name, counts in window.counts().items():
            held |= {(*who, name, str(place)): int(number) for place, number in enumerate(counts)}
        # A new one: the event loop may be writing the old one out.
        self._metrics.counts.windows = held

    def _counted(self, who: Label) -> dict[tuple[str, int], int]:
        """What all processes have counted for a version: by input and place."""
        windows = self._metrics.everywhere().windows
        return {(key[2], int(key[3])): number for key, number in windows.items() if key[:2] == who}

    def _window(self, bundle: Bundle) -> Window:
        key = bundle.name, bundle.version
        if key not in self._windows:
            self._windows[key] = Window(bundle)
        return self._windows[key]


def _report(window: Window, counted: Mapping[tuple[str, int], int]) -> tuple[int, list[InputDrift]]:
    found, rows = [], 0
    for each in window.features:
        counts = np.array([counted.get((each.name, place), 0) for place in range(each.size)])
        rows = int(counts.sum())
        found.append(each.drift(counts))
    return rows, found


def _warn(bundle: Bundle, window: Window) -> None:
    """Say once which inputs have shifted, and again only after they were stable."""
    if window.rows < ENOUGH_ROWS:
        return
    counts = window.counts()
    for each in window.features:
        drift = each.drift(counts[each.name])
        if drift.psi > SHIFTED and each.name not in window.warned:
            window.warned.add(each.name)
            log.warning(
                "%s version %s: input %r has shifted from the training rows: index %.2f over %d rows",
                bundle.name, bundle.version, each.name, drift.psi, window.rows,
            )  # fmt: skip
        elif drift.psi < STABLE:
            window.warned.discard(each.name)
