"""What the service tells Prometheus: by model and version, never by a client's word; of all its processes.

Each process counts for itself. Where several share a port, each writes its counts to their folder every
second, and who is asked adds them up; counts of a process that ended stay.
"""

import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.utils import floatToGoString

from serving.counts import Counts, Histograms, Key
from serving.model import Label

NOBODY: Label = ("", "")
"""The label of requests that named no model that is served."""
WRITE_S = 1.0
_LABELS = ("model", "version")


class Metrics:
    """Counts of one process and, where `folder` is given, of those that share it."""

    def __init__(self, folder: Path | None = None) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(self)
        self.counts = Counts()
        self._folder = folder
        self._name = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._failed = 0
        self.drift: Callable[[], Iterable[tuple[Label, int, Sequence[Any]]]] = tuple
        """What the windows of recent rows say: a version, its rows, and each input's drift."""
        self._written = ""

    def answered(self, who: Label, protocol: str, status: str, seconds: float) -> None:
        """Count one answer."""
        requests, key = self.counts.requests, (*who, protocol, status)
        requests[key] = requests.get(key, 0) + 1
        self.counts.seconds.note(key[:3], seconds)

    def ran(self, who: Label, requests: int, rows: int) -> None:
        """Count one run of a graph."""
        self.counts.run_requests.note(who, requests)
        self.counts.run_rows.note(who, rows)

    def shadowed(self, key: Key, outcome: str, difference: float | None = None) -> None:
        """Count a copy for the shadow of (model, version, the shadow's version)."""
        shadows = self.counts.shadows
        shadows[(*key, outcome)] = shadows.get((*key, outcome), 0) + 1
        if difference is not None:
            self.counts.differences.note(key, difference)

    def page(self, waiting: Mapping[Label, int], failed: int) -> bytes:
        """All of it in Prometheus' text format, with what waits now."""
        self.counts.waiting = dict(waiting.items())
        self._failed = failed
        return generate_latest(self.registry)

    def write(self, waiting: Mapping[Label, int]) -> None:
        """Let the other processes know; nothing is done where there are none, or nothing is new."""
        if self._folder is None:
            return
        self.counts.waiting = dict(waiting.items())
        text = self.counts.to_json()
        if text == self._written:
            return
        half = self._folder / f".{self._name}"
        # The folder goes with the first worker that sees its parent gone.
        with suppress(FileNotFoundError):
            half.write_text(text)
            half.replace(self._folder / f"{self._name}.json")
        self._written = text

    def collect(self) -> Iterator[Metric]:
        """What Prometheus' registry asks for."""
        counts = self.everywhere()
        requests = CounterMetricFamily(
            "millrace_requests",
            "Requests answered, by protocol and status",
            labels=(*_LABELS, "protocol", "status"),
        )
        for key, number in counts.requests.items():
            requests.add_metric(key, number)
        yield requests
        yield _family(
            "millrace_request_seconds",
            "From a request's head to its answer",
            (*_LABELS, "protocol"),
            counts.seconds,
        )
        yield _family(
            "millrace_run_requests",
            "Requests that shared one run of the graph",
            _LABELS,
            counts.run_requests,
        )
        yield _family("millrace_run_rows", "Rows in one run of the graph", _LABELS, counts.run_rows)
        yield from _shadows(counts)
        yield from _drifts(self.drift())
        waiting = GaugeMetricFamily(
            "millrace_waiting_requests", "Requests in a model's queue", labels=_LABELS
        )
        for who, number in counts.waiting.items():
            waiting.add_metric(who, number)
        yield waiting
        failed = GaugeMetricFamily("millrace_failed_versions", "Versions in the folder that did not load")
        failed.add_metric((), self._failed)
        yield failed

    def everywhere(self) -> Counts:
        """This process's counts and those that others have written."""
        if self._folder is None:
            return self.counts
        whole = Counts()
        whole.add(self.counts)
        for path in self._folder.glob("[0-9]*.json"):
            if path.stem == self._name:
                continue
            its = Counts.from_json(path.read_text())
            if not _lives(int(path.stem.partition("-")[0])):
                its.waiting, its.windows = {}, {}
            whole.add(its)
        return whole


def _drifts(reports: Iterable[tuple[Label, int, Sequence[Any]]]) -> Iterator[Metric]:
    """How far the last rows are from the training rows, input by input; nothing before there were any."""
    labels = (*_LABELS, "input")
    psi = GaugeMetricFamily(
        "millrace_drift_psi", "Population stability index, over 0.25: shifted", labels=labels
    )
    missing = GaugeMetricFamily(
        "millrace_missing_share", "Share of the last rows without a value", labels=labels
    )
    unseen = GaugeMetricFamily(
        "millrace_unseen_share",
        "Share of the last rows with a category that training has not seen",
        labels=labels,
    )
    for who, rows, inputs in reports:
        for each in inputs if rows else ():
            psi.add_metric((*who, each.name), each.psi)
            missing.add_metric((*who, each.name), each.missing)
            unseen.add_metric((*who, each.name), each.unseen)
    yield from (family for family in (psi, missing, unseen) if family.samples)


def _shadows(counts: Counts) -> Iterator[Metric]:
    """What shadows did; nothing where there are none."""
    if not counts.shadows:
        return
    labels = (*_LABELS, "shadow")
    copies = CounterMetricFamily(
        "millrace_shadow_requests", "Copies for a shadow, by what came of them", labels=(*labels, "outcome")
    )
    for key, number in counts.shadows.items():
        copies.add_metric(key, number)
    yield copies
    about = "Largest difference of a shadow's answer from the one given, relative to the larger value"
    yield _family("millrace_shadow_difference", about, labels, counts.differences)


def _lives(process: int) -> bool:
    """Whether there is such a process."""
    try:
        os.kill(process, 0)
    except OSError:
        return False
    return True


def _family(name: str, about: str, labels: tuple[str, ...], histograms: Histograms) -> Metric:
    """Histograms as Prometheus has them: at most so much, up to all."""
    family = HistogramMetricFamily(name, about, labels=labels)
    edges = [*map(floatToGoString, histograms.edges), "+Inf"]
    for key, spread in histograms.by_key.items():
        running, buckets = 0, []
        for edge, number in zip(edges, spread.counts, strict=True):
            running += number
            buckets.append((edge, running))
        family.add_metric(key, buckets, spread.total)
    return family
