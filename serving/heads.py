"""Heads of requests that were read before: clients that keep a connection send the same bytes again."""

from typing import NamedTuple

from serving.front import Target

MAX_HEADS, MAX_BYTES = 1024, 2048
_END = b"\r\n\r\n"
_METHOD = b"POST /"
_SECRET = frozenset([b"authorization", b"x-api-key", b"cookie"])
"""Not to be kept in memory."""
_OWN = frozenset([b"x-request-id", b"traceparent"])
"""Of one request alone: such a head does not come again."""
_LEFT = _SECRET | _OWN


class Head(NamedTuple):
    """What the parser found in a head of a request of inference, whose connection stays open."""

    path: str
    headers: dict[bytes, bytes]
    target: Target
    size: int
    """Bytes of the body."""


class Heads:
    """Heads by their bytes. What the parser found in the same bytes before is what it would find again."""

    def __init__(self) -> None:
        self._known: dict[bytes, Head] = {}

    def split(self, data: bytes) -> tuple[Head, bytes] | None:
        """The head and the body of `data`, where it is one whole request whose head is known."""
        end = data.find(_END) + len(_END)
        head = self._known.get(data[:end])
        return None if head is None or len(data) - end != head.size else (head, data[end:])

    def learn(self, data: bytes, head: Head) -> None:
        """Know the head of `data`, which the parser took for one request, whole and alone."""
        end = data.find(_END) + len(_END)
        if not data.startswith(_METHOD) or len(data) - end != head.size or end > MAX_BYTES:
            return
        if not _LEFT.isdisjoint(head.headers):
            return
        if len(self._known) >= MAX_HEADS:
            self._known.clear()
        self._known[data[:end]] = head
