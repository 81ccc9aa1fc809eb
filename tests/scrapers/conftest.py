"""A real web site on a free port, made page by page in a test; every request to it is kept."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from scrapers.spec import Site

FIELDS: dict[str, Any] = {
    "pid": {"css": "[itemprop=sku]", "type": "text", "required": True},
    "price": {"css": ".price", "type": "money", "unit": "USD", "required": True},
    "lot_area": {"label": "Lot area", "type": "area", "unit": "sqft"},
    "quality": {"label": "Quality", "type": "category", "levels": ["Good", "Very good"]},
    "title": {"xpath": "//h1[@class='title']", "type": "text"},
}


@dataclass
class Answer:
    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    declared_length: int | None = None


class LocalSite:
    Answer = Answer

    def __init__(self) -> None:
        self.routes: dict[str, Callable[[int], Answer]] = {}
        self.requests: list[str] = []
        self.agents: set[str] = set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.agents.add(self.headers["User-Agent"])
                answer = outer.answer(self.path)
                self.send_response(answer.status)
                length = len(answer.body) if answer.declared_length is None else answer.declared_length
                headers = {"Content-Type": "text/html; charset=utf-8"} | answer.headers
                for name, value in {**headers, "Content-Length": str(length)}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)
                self.close_connection = self.close_connection or answer.declared_length is not None

            def log_message(self, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, request: object, client_address: object) -> None:
                pass  # a route that raises is a connection that breaks off

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def answer(self, path: str) -> Answer:
        self.requests.append(path)
        make = self.routes.get(path)
        return make(self.count(path)) if make else Answer(b"no such page", 404)

    def page(self, path: str, html: str | bytes, status: int = 200, **headers: str) -> None:
        body = html.encode() if isinstance(html, str) else html
        answer = Answer(body, status, {key.replace("_", "-"): value for key, value in headers.items()})
        self.routes[path] = lambda _: answer

    def count(self, path: str) -> int:
        return Counter(self.requests)[path]

    def home(self, number: int, *, price: str | None = None, extra: str = "", head: str = "") -> str:
        """A home page's HTML."""
        price = f"${100_000 + number:,}" if price is None else price
        return (
            f"<html><head><title>Home {number}</title>{head}</head><body><h1 class=title>Home {number}</h1>"
            f"<span itemprop=sku>{number:04d}</span><p class=price>{price}</p>"
            f"<dl><div><dt>Lot area</dt><dd>{(number + 1) * 1000:,} sq ft</dd></div>"
            f"<dt>Quality:</dt><dd> Very  good </dd></dl>{extra}</body></html>"
        )

    def fill(self, homes: int, *, per_page: int = 10) -> None:
        """List pages that link to each other and to home pages, and the home pages."""
        pages = range(0, homes, per_page)
        for page, first in enumerate(pages):
            numbers = range(first, min(first + per_page, homes))
            items = "".join(f"<li><a href=/homes/{number}>{number}</a>" for number in numbers)
            more = f"<a class=next href='/list?page={page + 1}'>more</a>" if page + 1 < len(pages) else ""
            self.page(f"/list?page={page}" if page else "/list", f"<ul>{items}</ul>{more}")
        for number in range(homes):
            self.page(f"/homes/{number}", self.home(number))

    def spec(self, **changes: Any) -> dict[str, Any]:
        """A spec of this site, as the YAML file would say it."""
        spec: dict[str, Any] = {
            "name": "local",
            "base_url": self.url,
            "start": ["/list"],
            "key": "pid",
            "crawl": {"retries": 2, "backoff_s": 0.01, "timeout_s": 5, "drop_query": ["utm_*"]},
            "pages": {
                "list": {"url": "^/list", "follow": [{"css": "a.next"}, {"xpath": "//li/a"}]},
                "home": {"url": "^/homes/", "fields": dict(FIELDS)},
            },
        }
        return spec | changes

    def site(self, **changes: Any) -> Site:
        return Site.model_validate(self.spec(**changes))

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def web() -> Iterator[LocalSite]:
    site = LocalSite()
    yield site
    site.close()
