"""The connections below `requests`: a deadline for a whole exchange, and no way to a private address.

A socket's own timeout is for one read: a server that drips a byte every half second never meets it. Here a
timer ends the connection when the time for the whole exchange is up, whatever the thread waits for.
"""

import heapq
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from requests.utils import select_proxy
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util import Timeout

from scrapers.addresses import is_public


class ForbiddenAddressError(ValueError):
    """A host name that leads to an address which a crawl of a public site may not talk to."""


class Exchange:
    """One request under way: its connection, and when it must be over (seconds of the monotonic clock)."""

    def __init__(self, ends: float) -> None:
        self.ends, self.late, self.done = ends, False, False
        self.connection: Any = None

    def stop(self) -> None:
        """End the connection: its thread wakes with an error."""
        if self.done:
            return
        self.late = True
        sock = getattr(self.connection, "sock", None)
        if sock is not None:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return


class Deadlines:
    """A thread that stops exchanges when their time is up; it starts with the first and ends by `close`."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Exchange]] = []
        self._numbers, self._changed, self._closed = count(), threading.Condition(), False
        self._thread: threading.Thread | None = None
        self._current = threading.local()

    @property
    def current(self) -> Exchange | None:
        """The calling thread's exchange."""
        return getattr(self._current, "exchange", None)

    @contextmanager
    def within(self, seconds: float) -> Iterator[Exchange]:
        """An exchange of the calling thread that is stopped after `seconds`."""
        exchange = Exchange(time.monotonic() + seconds)
        self._current.exchange = exchange
        with self._changed:
            heapq.heappush(self._heap, (exchange.ends, next(self._numbers), exchange))
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="deadlines", daemon=True)
                self._thread.start()
            elif self._heap[0][2] is exchange:
                self._changed.notify()
        try:
            yield exchange
        finally:
            exchange.done = True
            exchange.connection = self._current.exchange = None

    def close(self) -> None:
        """End the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _watch(self) -> None:
        with self._changed:
            while not self._closed:
                while self._heap and (self._heap[0][2].done or self._heap[0][0] <= time.monotonic()):
                    heapq.heappop(self._heap)[2].stop()
                self._changed.wait(self._heap[0][0] - time.monotonic() if self._heap else None)


class GuardedAdapter(HTTPAdapter):
    """requests' adapter whose connections keep the deadlines and, unless `private`, to public addresses."""

    def __init__(self, deadlines: Deadlines, *, private: bool, connections: int) -> None:
        self._deadlines, self._private = deadlines, private
        self._pools: dict[str, Any] = {}
        super().__init__(pool_connections=1, pool_maxsize=connections)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """As requests does it, with pools of guarded connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {
            "http": _pool(HTTPConnectionPool, HTTPConnection, self._deadlines, self._private),
            "https": _pool(HTTPSConnectionPool, HTTPSConnection, self._deadlines, self._private),
        }

    def ask(self, request: PreparedRequest, *, timeout_s: float, settings: dict[str, Any]) -> Any:
        """What `send` gives, as urllib3 has it: requests' own response takes a sixth of the exchange to make.

        Raises urllib3's HTTPError, and OSError.
        """
        url = str(request.url)
        origin = "/".join(url.split("/", 3)[:3])
        proxied = bool(settings["proxies"]) and select_proxy(url, settings["proxies"]) is not None
        pool: Any = None if proxied else self._pools.get(origin)
        if pool is None:
            pool = self._pools[origin] = self.get_connection_with_tls_context(request, **settings)
            self.cert_verify(pool, url, settings["verify"], settings["cert"])  # type: ignore[no-untyped-call]
        return pool.urlopen(
            request.method,
            self.request_url(request, settings["proxies"]) if proxied else request.path_url,
            request.body,
            request.headers,
            retries=self.max_retries,
            redirect=False,
            assert_same_host=False,
            timeout=Timeout(connect=timeout_s, read=timeout_s),
            preload_content=False,
            decode_content=False,
        )


def _pool(pool: type[Any], connection: type[Any], deadlines: Deadlines, private: bool) -> type[Any]:
    class Guarded(connection):  # type: ignore[misc]
        def _new_conn(self) -> socket.socket:
            if not private:
                _check_addresses(self._dns_host, self.port)
            sock: socket.socket = super()._new_conn()
            # The name may lead elsewhere at a second look-up: who answers is what counts.
            if not private and not is_public(sock.getpeername()[0]):
                sock.close()
                raise _forbidden(self._dns_host, sock)
            return sock

        def request(self, *args: Any, **kwargs: Any) -> None:
            exchange = deadlines.current
            if exchange is not None:
                exchange.connection = self
            super().request(*args, **kwargs)

    return type("GuardedPool", (pool,), {"ConnectionCls": Guarded})


def _check_addresses(host: str, port: int) -> None:
    for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        if not is_public(str(address[0])):
            raise _forbidden(host, address[0])


def _forbidden(host: str, address: object) -> ForbiddenAddressError:
    return ForbiddenAddressError(f"{host} leads to {address}, which is not an address of the open Internet")
