"""What the service counts of its own work, for Prometheus: by model and version, never by a client's word."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from serving.model import Model

Label = tuple[str, str]
"""A model's name and version; both are empty where a request named none that is served."""
NOBODY: Label = ("", "")

_LABELS = ("model", "version")
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096, 16_384)


def label(model: Model) -> Label:
    """How metrics name a model."""
    return model.bundle.name, str(model.bundle.version)


class Metrics:
    """Counts and histograms of one service; cheap enough to be asked for every request."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._known: dict[tuple[str, ...], tuple[Counter, Histogram]] = {}
        self._requests = Counter(
            "millrace_requests", "Requests answered, by protocol and status",
            (*_LABELS, "protocol", "status"), registry=self.registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "millrace_request_seconds", "From a request's head to its answer",
            (*_LABELS, "protocol"), registry=self.registry, buckets=_SECONDS,
        )  # fmt: skip
        self._run_requests = Histogram(
            "millrace_run_requests", "Requests that shared one run of the graph",
            _LABELS, registry=self.registry, buckets=_SIZES,
        )  # fmt: skip
        self._run_rows = Histogram(
            "millrace_run_rows",
            "Rows in one run of the graph",
            _LABELS,
            registry=self.registry,
            buckets=_SIZES,
        )
        self._waiting = Gauge(
            "millrace_waiting_requests", "Requests in a model's queue", _LABELS, registry=self.registry
        )
        self._failed = Gauge(
            "millrace_failed_versions", "Versions in the folder that did not load", registry=self.registry
        )

    def answered(self, who: Label, protocol: str, status: str, seconds: float) -> None:
        """Count one answer."""
        key = (*who, protocol, status)
        pair = self._known.get(key)
        if pair is None:
            pair = self._requests.labels(*key), self._seconds.labels(*key[:3])
            self._known[key] = pair
        pair[0].inc()
        pair[1].observe(seconds)

    def ran(self, who: Label, requests: int, rows: int) -> None:
        """Count one run of a graph."""
        self._run_requests.labels(*who).observe(requests)
        self._run_rows.labels(*who).observe(rows)

    def page(self, waiting: dict[Label, int], failed: int) -> bytes:
        """All of it in Prometheus' text format, with what waits now."""
        self._waiting.clear()
        for who, requests in waiting.items():
            self._waiting.labels(*who).set(requests)
        self._failed.set(failed)
        return generate_latest(self.registry)
