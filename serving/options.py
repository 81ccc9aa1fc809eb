"""What `millrace serve` can be told, in a form that a worker process reads."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from pydantic import TypeAdapter

from serving.lane import Limits, cores

MAX_BODY_BYTES = 32 * 1024 * 1024
MAX_ROWS = 16_384
WATCH_S = 2.0


@dataclass(frozen=True)
class Options:
    """A service: the bundles under `folder`, where it listens (port 0 takes a free one), its limits.

    Every `watch_s` seconds it looks for changed models (0: never); `control` lets clients load and unload.
    With `grpc_port` gRPC is answered beside HTTP. `json_logs` logs each request, as JSON. Told to end, it is
    not ready at once, and answers for another `drain_wait_s` as before. `workers` processes share the port.
    The file `api_keys` names the keys that are taken, without it none is asked for; `open_metrics` leaves
    /metrics to all. Browsers may ask from pages of `cors_origins`. The file `traffic`
    has the shares of canaries and shadows. Spans go to the collector at `otlp_endpoint`.
    With the spec `site` a URL of that site is fetched, read and answered.
    """

    folder: Path
    host: str = "127.0.0.1"
    port: int = 8000
    max_body_bytes: int = MAX_BODY_BYTES
    max_rows: int = MAX_ROWS
    limits: Limits | None = None
    watch_s: float = WATCH_S
    control: bool = False
    grpc_port: int | None = None
    json_logs: bool = False
    drain_wait_s: float = 0
    workers: int = 1
    api_keys: Path | None = None
    open_metrics: bool = False
    cors_origins: tuple[str, ...] = ()
    traffic: Path | None = None
    otlp_endpoint: str | None = None
    site: Path | None = None

    def for_worker(self, port: int, grpc_port: int | None) -> Self:
        """The same for one of the workers, with the ports that were taken and its share of the cores."""
        limits = self.limits or Limits(runs=max(1, cores() // self.workers))
        return replace(self, port=port, grpc_port=grpc_port, limits=limits)

    def to_json(self) -> bytes:
        """All of it on one line."""
        return TypeAdapter(type(self)).dump_json(self)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """What `to_json` wrote."""
        return TypeAdapter(cls).validate_json(text)
