"""Load at a given rate: requests leave when they are due whatever the server does (an open loop).

Arrivals are a Poisson process, and latency counts from the instant at which a request was due, so that a
server that stalls cannot hide its queue. One thread spins over sockets and epoll: about 20 us a request.
"""

import random
import select
import socket
import sys
import time
from collections import deque
from dataclasses import dataclass
from urllib.parse import urlsplit

from wrk import Shot

CONNECTIONS = 128
GRACE_S = 10.0
NAP_S = 0.0001


@dataclass(frozen=True)
class Paced:
    """What came of it: microseconds at the median and the 99th percentile, and how late the load itself was.

    `late_us` is the 99th percentile of the time from due to sent where a connection was free: where it comes
    near the latency, this process was the limit and not the server.
    """

    rate: float
    p50_us: float
    p99_us: float
    late_us: float


class Connection:
    """A kept connection, and the request that is on it."""

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port), timeout=GRACE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.due = 0.0
        self.got = b""

    def send(self, message: bytes, due: float) -> None:
        """Send a request."""
        self.due, self.got = due, b""
        if self.socket.send(message) != len(message):
            sys.exit("error: a request did not fit into its socket")

    def receive(self) -> bool:
        """Take what is there; whether the answer is whole. Ends the benchmark where it is not a 200."""
        more = self.socket.recv(65536)
        self.got = self.got + more if self.got else more
        if not more or not self.got.startswith(b"HTTP/1.1 200"):
            sys.exit(f"error: under a paced load the server answered {self.got[:100]!r}")
        head, _, body = self.got.partition(b"\r\n\r\n")
        lower = head.lower()
        at = lower.find(b"content-length:")
        if at < 0:
            return b"chunked" in lower and body.endswith(b"0\r\n\r\n")
        return len(body) >= int(lower[at + 15 :].partition(b"\r\n")[0])


def drive_paced(url: str, shot: Shot, *, rate: float, seconds: float, seed: int = 0) -> Paced:
    """Send `shot` at `rate` a second on average. Any answer but 200 ends the benchmark."""
    parts = urlsplit(url)
    host, port = str(parts.hostname), int(parts.port or 80)
    lines = [f"POST {parts.path} HTTP/1.1", f"Host: {host}:{port}", f"Content-Length: {len(shot.body)}"]
    lines += [f"{name}: {value}" for name, value in shot.headers.items()]
    message = "\r\n".join(lines).encode() + b"\r\n\r\n" + shot.body
    opened = [Connection(host, port) for _ in range(CONNECTIONS)]
    try:
        return _measure(opened, message, _arrivals(rate, seconds, seed), rate)
    finally:
        for each in opened:
            each.socket.close()


def _arrivals(rate: float, seconds: float, seed: int) -> deque[float]:
    """When requests are due, in seconds from the beginning."""
    chance, due, at = random.Random(seed), deque[float](), 0.0
    while (at := at + chance.expovariate(rate)) < seconds:
        due.append(at)
    return due


def _measure(opened: list[Connection], message: bytes, due: deque[float], rate: float) -> Paced:
    by_file = {each.socket.fileno(): each for each in opened}
    poll = select.epoll()
    for file in by_file:
        poll.register(file, select.EPOLLIN)
    free, took, late = list(opened), list[float](), list[float]()
    total, scarce_at, began = len(due), -1.0, time.perf_counter()
    while len(took) < total:
        now = time.perf_counter() - began
        if not free:
            scarce_at = now
        while due and due[0] <= now and free:
            if due[0] > scarce_at:
                late.append(now - due[0])
            free.pop().send(message, due.popleft())
            now = time.perf_counter() - began
        ready = poll.poll(0)
        if not ready and not (due and due[0] < now + NAP_S):
            # A core that this would only spin on belongs to the server.
            time.sleep(NAP_S)
        for file, _ in ready:
            connection = by_file[file]
            if connection.receive():
                took.append(time.perf_counter() - began - connection.due)
                free.append(connection)
        if not due and now > GRACE_S + took[-1] + total / rate:
            sys.exit(f"error: {total - len(took)} requests of a paced load had no answer in {GRACE_S:g} s")
    poll.close()
    took.sort()
    late.sort()
    return Paced(
        rate, 1e6 * took[total // 2], 1e6 * took[int(total * 0.99)], 1e6 * late[int(len(late) * 0.99)]
    )
