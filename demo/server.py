"""The web server around the site: HTTP/1.1 with kept connections, gzip, ETag and 304."""

import gzip
import signal
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from demo.answers import Answer

Answering = Callable[[str, dict[str, str]], Answer]
_GZIP_LEVEL = 4
_WORTH_GZIP_BYTES = 500


class Server(ThreadingHTTPServer):
    """Serves on 127.0.0.1; port 0 takes any free one. Raises OSError when the port cannot be had."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.answering: Answering | None = None

    @property
    def url(self) -> str:
        """Where the server listens, without a slash at the end."""
        return f"http://127.0.0.1:{self.server_port}"

    def serve(self, answering: Answering) -> None:
        """Answer until SIGTERM or SIGINT; must run in the main thread."""
        self.answering = answering
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: threading.Thread(target=self.shutdown).start())
        try:
            self.serve_forever(poll_interval=0.1)
        finally:
            self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Report what went wrong in a thread; a visitor who hangs up is nothing wrong."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "LincolnWay/1.0"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave in one packet
    timeout = 60
    server: Server

    def do_GET(self) -> None:
        """Answer a request for a page."""
        self._send(self._answer(), with_body=True)

    def do_HEAD(self) -> None:
        """Answer like GET, without the body."""
        self._send(self._answer(), with_body=False)

    def _answer(self) -> Answer:
        assert self.server.answering is not None
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        return self.server.answering(parts.path, query)

    def _send(self, answer: Answer, *, with_body: bool) -> None:
        fresh = answer.status == 200 and answer.etag in self.headers.get("If-None-Match", "")
        body = b"" if fresh else answer.body
        self.send_response(304 if fresh else answer.status)
        if answer.status == 200:
            self.send_header("ETag", answer.etag)
            self.send_header("Vary", "Accept-Encoding")
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if not fresh:
            self.send_header("Content-Type", answer.media_type)
            if len(body) >= _WORTH_GZIP_BYTES and "gzip" in self.headers.get("Accept-Encoding", ""):
                body = gzip.compress(body, _GZIP_LEVEL, mtime=0)
                self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Say nothing: thousands of lines a crawl help nobody."""
