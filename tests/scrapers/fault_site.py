"""A web site on a bad day, byte by byte: each route writes to the socket itself."""

import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from scrapers.spec import Site

Route = Callable[[socket.socket, int], None]


def answer(
    body: bytes | str = b"",
    status: str = "200 OK",
    *,
    length: int | None = -1,
    version: str = "1.1",
    **headers: str,
) -> bytes:
    """The bytes of an answer; `length` is its declared Content-Length (-1: the true one, None: none)."""
    data = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/{version} {status}"]
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    if length is not None:
        named["Content-Length"] = str(len(data) if length == -1 else length)
    lines += [f"{key}: {value}" for key, value in ({"Content-Type": "text/html"} | named).items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


class FaultSite:
    """`homes` pages of homes behind list pages of ten; `routes` and `before` replace or precede what is sent.

    A route gets the socket and how often its path was asked for; `before` gets the path as well and says
    whether it has answered.
    """

    def __init__(self, homes: int) -> None:
        self.homes = homes
        self.routes: dict[str, Route] = {}
        self.before: Callable[[socket.socket, str, int], bool] = lambda *_: False
        self.requests: list[str] = []
        self.heads: list[str] = []
        self.body = b""
        self._counts: Counter[str] = Counter()
        self._lock, self._open = threading.Lock(), True
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._open = False
        self._listener.close()

    def route(self, path: str, *data: bytes, close: bool = False) -> None:
        """Answer a path with these bytes: the first time the first, and so on, the last one ever after."""

        def send(sock: socket.socket, count: int) -> None:
            sock.sendall(data[min(count, len(data)) - 1])
            if close:
                sock.shutdown(socket.SHUT_RDWR)

        self.routes[path] = send

    def drip(self, path: str, data: bytes, at_once: int, every_s: float = 0.1) -> None:
        """Answer a path with so many bytes at once and the others one by one."""

        def send(sock: socket.socket, _: int) -> None:
            sock.sendall(data[:at_once])
            for position in range(at_once, len(data)):
                time.sleep(every_s)
                sock.sendall(data[position : position + 1])

        self.routes[path] = send

    def home(self, number: int) -> str:
        return (
            f"<html><head><title>Home {number}</title></head><body><h1>Home {number}</h1>"
            f"<b class=pid>{number:04d}</b><p class=price>${100_000 + number:,}</p></body></html>"
        )

    def list_page(self, number: int) -> str:
        first = number * 10
        links = "".join(f"<li><a href=/homes/{at}>x</a>" for at in range(first, min(first + 10, self.homes)))
        more = f"<a class=next href=/list?page={number + 1}>more</a>" if first + 10 < self.homes else ""
        return f"<html><body><ul>{links}</ul>{more}</body></html>"

    def site(self, **crawl: Any) -> Site:
        polite = {"retries": 3, "backoff_s": 0.02, "timeout_s": 1, "total_timeout_s": 2, "patience_s": 10}
        return Site.model_validate(
            {
                "name": "fault",
                "base_url": self.url,
                "start": ["/list"],
                "key": "pid",
                "crawl": polite | crawl,
                "pages": {
                    "list": {"url": "^/list", "follow": [{"css": "a.next"}, {"css": "li a"}]},
                    "home": {
                        "url": "^/homes/",
                        "fields": {
                            "pid": {"css": ".pid", "type": "text", "required": True},
                            "price": {"css": ".price", "type": "money", "unit": "USD", "required": True},
                        },
                    },
                },
            }
        )

    def count(self, path: str) -> int:
        return self._counts[path]

    def _accept(self) -> None:
        while self._open:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        buffer = b""
        with sock:
            try:
                while True:
                    while b"\r\n\r\n" not in buffer:
                        data = sock.recv(65536)
                        if not data:
                            return
                        buffer += data
                    head, _, buffer = buffer.partition(b"\r\n\r\n")
                    declared = re.search(rb"(?i)content-length: (\d+)", head)
                    while declared and len(buffer) < int(declared[1]):
                        buffer += sock.recv(65536)
                    self.body, buffer = buffer[: int(declared[1]) if declared else 0], b""
                    self._answer(sock, head.decode())
            except OSError:
                return

    def _answer(self, sock: socket.socket, head: str) -> None:
        path = head.split(" ", 2)[1]
        with self._lock:
            self.requests.append(path)
            self.heads.append(head)
            self._counts[path] += 1
            count = self._counts[path]
        if self.before(sock, path, count):
            return
        if path in self.routes:
            self.routes[path](sock, count)
        elif path.startswith("/list"):
            sock.sendall(answer(self.list_page(int(path.partition("page=")[2] or 0))))
        elif path.startswith("/homes/") and path[7:].isdigit():
            sock.sendall(answer(self.home(int(path[7:]))))
        else:
            sock.sendall(answer("no such page", "404 Not Found"))
