"""A span for each request, as a collector on this machine receives it."""

import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tritonclient import grpc

from serving.errors import StartError
from serving.tracing import Tracing
from tests.serving.conftest import stop
from tests.serving.test_serving_grpc import house, rpc_address
from tests.serving.test_serving_traffic import body

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def collector():
    """A collector's URL, and the spans that it has been sent."""
    spans = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            sent = ExportTraceServiceRequest.FromString(raw)
            assert self.path == "/v1/traces"
            spans.extend(
                span for each in sent.resource_spans for scope in each.scope_spans for span in scope.spans
            )
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", spans
        server.shutdown()
        thread.join()


def about(span) -> dict[str, object]:
    return {
        each.key.removeprefix("millrace."): getattr(each.value, each.value.WhichOneof("value"))
        for each in span.attributes
    }


def test_every_way_in_makes_a_span(small, tmp_path, starting, collector):
    url, spans = collector
    small.write_price(tmp_path)
    running = starting(tmp_path, otlp_endpoint=url, grpc_port=0)
    headers = {"traceparent": PARENT, "X-Request-Id": "mine"}
    infer = f"{running.url}/v2/models/price/infer"
    assert requests.post(infer, data=body(), headers=headers, timeout=30).ok
    assert requests.post(f"{infer}?by=asgi", data=body(), headers=headers, timeout=30).ok
    assert requests.post(infer, data=b"{", timeout=30).status_code == 400
    records = [{"rooms": 1}] * 3
    assert requests.post(f"{running.url}/models/price/predict", json=records, timeout=30).ok
    with grpc.InferenceServerClient(rpc_address(running)) as client:
        client.infer("price", house(), headers={"traceparent": PARENT})
    assert "Traceback" not in stop(running)
    assert [about(each)["protocol"] for each in spans] == ["http"] * 4 + ["grpc"]
    assert [each.trace_id.hex() == PARENT[3:35] for each in spans] == [True, True, False, False, True]
    assert spans[0].parent_span_id.hex() == PARENT[36:52]
    assert [about(each).get("rows") for each in spans] == [1, 1, None, 3, 1]
    for each in (spans[0], spans[1], spans[3], spans[4]):
        told = about(each)
        assert (told["model"], told["version"]) == ("price", "1")
        took = (each.end_time_unix_nano - each.start_time_unix_nano) / 1e9
        assert 0 <= told["queue.seconds"] + told["run.seconds"] <= took
        assert told["run.rows"] == told["rows"]
        assert each.start_time_unix_nano < each.events[0].time_unix_nano < each.end_time_unix_nano
    assert about(spans[0])["request"] == "mine"
    assert about(spans[2])["status"] == "400"


def test_a_collector_that_is_none_is_one_line():
    with pytest.raises(StartError, match=r"^an OTLP endpoint is a URL.*got 'localhost:4318'$"):
        Tracing("localhost:4318")


def test_without_the_extra_it_says_what_to_install(tmp_path):
    (tmp_path / "opentelemetry").mkdir()
    (tmp_path / "opentelemetry" / "__init__.py").write_text("raise ModuleNotFoundError(name=__name__)")
    code = "from serving.tracing import Tracing; Tracing('http://127.0.0.1:4318')"
    told = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {code}"],
        capture_output=True, text=True,
    ).stderr  # fmt: skip
    assert told.splitlines()[-1].endswith("traces need opentelemetry: pip install 'millrace[otel]'")
