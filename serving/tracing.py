"""OpenTelemetry: a span for each request that ran a model, sent over OTLP. Only with the extra `otel`."""

from collections.abc import Mapping
from time import perf_counter, time_ns
from typing import Any
from urllib.parse import urlsplit

from serving.errors import StartError
from serving.lane import Trace
from serving.version import own_version

PARENTS = ("traceparent", "tracestate")
"""The headers of W3C Trace Context, under which a client's own span is known."""


class Tracing:
    """Makes a span of what a request tells at its end, so that nothing is held while it waits."""

    def __init__(self, endpoint: str) -> None:
        """Send to the collector at `endpoint`, such as http://localhost:4318. Raises StartError."""
        parts = urlsplit(endpoint)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise StartError(f"an OTLP endpoint is a URL, as in http://localhost:4318, got {endpoint!r}")
        try:
            from opentelemetry import trace
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
            from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
        except ModuleNotFoundError as error:
            raise StartError(f"traces need {error.name}: pip install 'millrace[otel]'") from None
        url = endpoint if parts.path.strip("/") else f"{endpoint.rstrip('/')}/v1/traces"
        about = Resource.create({"service.name": "millrace", "service.version": own_version()})
        self._provider = TracerProvider(resource=about, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=url)))
        self._tracer = self._provider.get_tracer("millrace", own_version())
        self._parents = TraceContextTextMapPropagator()
        self._server, self._failed = trace.SpanKind.SERVER, trace.Status(trace.StatusCode.ERROR)

    def record(
        self, name: str, parents: Mapping[str, str], trace: Trace, seconds: float, about: Mapping[str, Any]
    ) -> None:
        """Make the span of a request that took `seconds` until now; `about` has its further attributes."""
        now, at = time_ns(), perf_counter()
        attributes = dict(about)
        if trace.ended:
            attributes |= {
                "millrace.rows": trace.rows,
                "millrace.run.rows": trace.run_rows,
                "millrace.queue.seconds": trace.began - trace.queued,
                "millrace.run.seconds": trace.ended - trace.began,
            }
        span = self._tracer.start_span(
            name,
            context=self._parents.extract(parents),
            kind=self._server,
            start_time=now - int(seconds * 1e9),
            attributes=attributes,
        )
        if trace.ended:
            span.add_event("run", timestamp=now - int((at - trace.began) * 1e9))
        if str(about.get("millrace.status", "")).startswith("5"):
            span.set_status(self._failed)
        span.end(end_time=now)

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()
