"""Small requests of the Open Inference Protocol, answered by the HTTP protocol itself, past ASGI.

A task, a scope and messages cost more than a small graph's run. What is short, whole and plain (POST
.../infer with its length, no coding of its body, no wait for 100) begins in the pass of the event loop in
which its last byte came, and its answer is written by the run. All else goes to the application, as uvicorn
does it. A head that was read before is not parsed again, and the timer that ends a quiet connection is not
set anew for each request.
"""

import asyncio
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serving import packing
from serving.exchange import GONE, Exchange
from serving.front import Front, Target, find_target
from serving.heads import Head, Heads
from serving.infer_request import JSON_SIZE_HEADER, Arrays, InferRequest, read_json_size
from serving.infer_response import Answer, write_response
from serving.lane import late
from serving.packing import PACKED, is_packable, pack
from serving.service import INLINE_BYTES
from serving.wire import Pairs

MAX_BYTES = 512 * 1024
"""Of a body; its JSON part may be as long as what is parsed on the event loop."""
_JSON_SIZE = JSON_SIZE_HEADER.lower().encode()
_REFUSED = frozenset([b"content-encoding", b"transfer-encoding", b"expect", b"upgrade", b"origin"])
"""Headers of requests that go the long way; a page of another origin is a matter for cors.py."""
_LINES = {each.value: f"HTTP/1.1 {each.value} {each.phrase}\r\n".encode() for each in HTTPStatus}


@lru_cache(maxsize=1024)
def infer_target(url: bytes) -> Target | None:
    """What a URL of inference names; None of any other, and of one that needs decoding."""
    if not url.endswith(b"/infer") or b"%" in url or b"?" in url or not url.isascii():
        return None
    return find_target(url.decode())


class Call(Exchange):
    """One such request; it is also who its run tells of the answer."""

    __slots__ = (
        "body", "connection", "head", "headers", "keep_alive", "request", "response_complete", "timer"
    )  # fmt: skip

    def __init__(self, connection: "Express", head: Head, keep_alive: bool = True) -> None:
        given = head.headers.get(b"x-request-id", b"").decode("latin-1")
        super().__init__(connection.front.service, "http", head.path, given)
        self.connection, self.head, self.headers, self.keep_alive = connection, head, head.headers, keep_alive
        self.body: list[bytes] = []
        self.response_complete = False
        self.request: InferRequest | None = None
        self.timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Queue the request, whose body is here, or answer what is wrong with it."""
        try:
            if self.service.tracing is not None:
                self.follow(
                    {name.decode("latin-1"): value.decode("latin-1") for name, value in self.headers.items()}
                )
            if self.service.keys is not None:
                self.admit(
                    self.headers.get(b"authorization", b"").decode("latin-1"),
                    self.headers.get(b"x-api-key", b"").decode("latin-1"),
                )
            model = self.find(self.head.target.name, self.head.target.version)
            size = self.headers.get(_JSON_SIZE)
            json_size = None if size is None else read_json_size(size.decode("latin-1"))
            body = self.body[0] if len(self.body) == 1 else b"".join(self.body)
            request = model.read(body, json_size, max_rows=self.service.max_rows)
            rows = model.check(request.arrays)
            self.request = request
            gatherer = self.service.gatherer
            wait_s = gatherer.queue(
                self, model, request.arrays, tuple(request.outputs), rows, request.timeout_s
            )
            if not model.is_quick(rows):
                self.timer = asyncio.get_running_loop().call_later(wait_s, self.expire, wait_s)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client is answered and the log has it
            self.set_exception(error)

    def expire(self, wait_s: float) -> None:
        """Answer that the time has passed."""
        if not self.response_complete:
            self.set_exception(late(wait_s))

    def leave(self) -> None:
        """The client is gone: the work is dropped."""
        if not self.response_complete:
            self._complete(GONE)

    def done(self) -> bool:
        """Whether it needs no answer any more."""
        return self.response_complete

    def set_result(self, results: Arrays, /) -> None:
        """Answer."""
        assert self.model is not None
        assert self.request is not None
        try:
            self._answer(write_response(self.model.bundle, self.request, results))
        except Exception as error:  # noqa: BLE001 - the others of the run must get their answers
            self.set_exception(error)

    def set_exception(self, exception: Exception, /) -> None:
        """Answer what went wrong."""
        self._answer(*self.refusal(exception))

    def _answer(self, answer: Answer, extra: Pairs = ()) -> None:
        """Send the answer, packed where that is worth it and wanted."""
        accepts = self.headers.get(b"accept-encoding", b"").decode("latin-1")
        if not is_packable(answer, accepts):
            self._send(answer, extra)
        elif len(answer.body) <= packing.INLINE_BYTES:
            self._send(pack(answer), [*extra, *PACKED])
        else:
            self._stop_clock()
            packing_it = asyncio.get_running_loop().run_in_executor(None, pack, answer)
            packing_it.add_done_callback(lambda done: self._send(done.result(), [*extra, *PACKED]))

    def _send(self, answer: Answer, extra: Pairs) -> None:
        if self.response_complete:
            return
        self.connection.write(self, answer, extra)
        self._complete(str(answer.status))

    def _complete(self, status: str) -> None:
        self.response_complete = True
        self._stop_clock()
        self.end(status)

    def _stop_clock(self) -> None:
        if self.timer is not None:
            self.timer.cancel()


class Express(HttpToolsProtocol):
    """uvicorn's connection, which takes such requests for itself."""

    front: Front
    heads: Heads
    call: Call | None = None
    """The request that is being answered, or the last one."""
    between = True
    """Whether the parser has seen the end of a request, and nothing of the next."""
    quiet_since = 0.0

    def data_received(self, data: bytes) -> None:
        """Take what came: a whole request whose head is known past the parser, all else by it."""
        if not self.between:
            super().data_received(data)
            return
        known = None if self._is_busy() else self.heads.split(data)
        if known is not None:
            head, body = known
            self.cycle = self.call = Call(self, head)
            self.call.body.append(body)
            self.call.begin()
            return
        before = self.call
        super().data_received(data)
        call = self.call
        if self.between and call is not None and call is not before and call.keep_alive:
            self.heads.learn(data, call.head)

    def _is_busy(self) -> bool:
        """Whether another request must be answered first, or the client takes no answers."""
        return self.flow.write_paused or (self.cycle is not None and not self.cycle.response_complete)

    def on_message_begin(self) -> None:
        """Begin a request; what ASGI needs is made where it is needed."""
        self.between = False
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def on_headers_complete(self) -> None:
        """Decide the way that the request takes."""
        target = infer_target(self.url)
        call = None if target is None else self._call(target)
        if call is not None:
            self.call = call
            self.cycle: Any = call
            return
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers += headers
        super().on_headers_complete()

    def _call(self, target: Target) -> Call | None:
        """The request, where it is one of these."""
        headers = dict(self.headers)
        length = headers.get(b"content-length", b"")
        size = int(length) if length.isdigit() and len(length) < 8 else -1
        if (
            not 0 <= size <= min(MAX_BYTES, self.front.max_body_bytes)
            or (size > INLINE_BYTES and _JSON_SIZE not in headers)
            or not _REFUSED.isdisjoint(headers)
            or self.parser.get_method() != b"POST"
            or self.parser.get_http_version() != "1.1"
            or self._is_busy()
        ):
            return None
        return Call(self, Head(self.url.decode(), headers, target, size), self.parser.should_keep_alive())

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        if self.cycle is self.call and self.call is not None:
            self.call.body.append(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is here."""
        self.between = self.parser.should_keep_alive() and not self.parser.should_upgrade()
        call = self.call
        if call is None or self.cycle is not call:
            super().on_message_complete()
            return
        call.begin()

    def connection_lost(self, exc: Exception | None) -> None:
        """Drop the work of a client that left."""
        if self.call is not None:
            self.call.leave()
        if self.cycle is self.call:
            self.cycle = None
        super().connection_lost(exc)

    def write(self, call: Call, answer: Answer, extra: Pairs) -> None:
        """Send the answer, and go on to what came meanwhile."""
        pairs = b""
        for name, value in (*self.server_state.default_headers, *extra):
            pairs += b"%b: %b\r\n" % (name, value)
        json_size = b"" if answer.json_size is None else b"%b: %d\r\n" % (_JSON_SIZE, answer.json_size)
        self.transport.write(
            b"%b%bcontent-length: %d\r\ncontent-type: %b\r\nx-request-id: %b\r\n%b%b\r\n%b"
            % (
                _LINES[answer.status],
                pairs,
                len(answer.body),
                answer.media_type.encode(),
                call.identity.encode(),
                json_size,
                b"" if call.keep_alive else b"connection: close\r\n",
                answer.body,
            )
        )
        call.response_complete = True
        if not call.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def on_response_complete(self) -> None:
        """Go on to what came meanwhile, else note since when it is quiet, for the timer that runs."""
        if self.pipeline or self.flow.read_paused or self.timeout_keep_alive_task is None:
            super().on_response_complete()
        else:
            self.server_state.total_requests += 1
        self.quiet_since = self.loop.time()

    def timeout_keep_alive_handler(self) -> None:
        """End the connection where it has been quiet all the time, else look again when it may have been."""
        self.timeout_keep_alive_task = None
        if self.cycle is not None and not self.cycle.response_complete:
            return
        left_s = self.quiet_since + self.timeout_keep_alive - self.loop.time()
        if left_s <= 0:
            super().timeout_keep_alive_handler()
        else:
            self.timeout_keep_alive_task = self.loop.call_later(left_s, self.timeout_keep_alive_handler)


def express(front: Front) -> type[Express]:
    """The protocol of a server whose application is `front`."""
    return type("Express", (Express,), {"front": front, "heads": Heads()})
