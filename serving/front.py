"""The ASGI application: models answer here, at once; every other route is FastAPI's.

FastAPI's routing and request models would cost more time than a small graph's run.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

from serving.errors import UnauthorizedError, one_line
from serving.exchange import GONE, Exchange
from serving.infer_request import JSON_SIZE_HEADER
from serving.infer_response import Answer
from serving.packing import INLINE_BYTES, PACKED, is_packable, pack
from serving.service import Service
from serving.stream import NDJSON, stream
from serving.tables import media_type
from serving.wire import Headers, Pairs, error_answer, extra_headers, read_body, read_headers, send_answer

_JSON_SIZE = JSON_SIZE_HEADER.lower()
_LASTS = {"infer": "/v2/models/", "predict": "/models/"}

FREE = frozenset(["/v2/health/live", "/v2/health/ready", "/", "/docs"])
"""What needs no key where keys are asked for: whether it runs, and pages that hold nothing of the models."""


class Target(NamedTuple):
    """What a path that runs a model names; `last` is `infer` or `predict`."""

    last: str
    name: str
    version: str | None


def find_target(path: str) -> Target | None:
    """The target of /v2/models/NAME[/versions/V]/infer and /models/NAME[/versions/V]/predict, else None."""
    last = path[path.rfind("/") + 1 :]
    prefix = _LASTS.get(last)
    if prefix is None or not path.startswith(prefix):
        return None
    parts = path[len(prefix) :].split("/")
    if len(parts) == 2:
        return Target(last, parts[0], None)
    if len(parts) == 4 and parts[1] == "versions":
        return Target(last, parts[0], parts[2])
    return None


class Front:
    """Answers what runs a model, and hands every other request on to `app`."""

    def __init__(
        self, service: Service, app: ASGIApp, max_body_bytes: int, free: frozenset[str] = FREE
    ) -> None:
        self.service, self.app, self.max_body_bytes, self.free = service, app, max_body_bytes, free

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; nothing is sent to a client that went away."""
        target = find_target(scope["path"]) if scope["type"] == "http" else None
        if target is None:
            await self._other(scope, receive, send)
        elif scope["method"] != "POST":
            text = f"Method Not Allowed: {scope['method']} {scope['path'][:200]}; /docs lists what there is"
            await send_answer(error_answer(405, text), send, [(b"allow", b"POST")])
        else:
            await self._run(target, scope, receive, send)

    async def _other(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on to the application, if it needs no key or has one."""
        if self.service.keys is not None and scope["type"] == "http" and not self._is_free(scope["path"]):
            headers = read_headers(scope)
            try:
                self.service.keys.name(headers.get("authorization", ""), headers.get("x-api-key", ""))
            except UnauthorizedError as error:
                await send_answer(error_answer(401, one_line(error)), send, extra_headers(error))
                return
        await self.app(scope, receive, send)

    def _is_free(self, path: str) -> bool:
        return path in self.free or path.startswith("/static/")

    async def _run(self, target: Target, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, count and log one request."""
        headers = read_headers(scope)
        exchange = Exchange(self.service, "http", scope["path"], headers.get("x-request-id", ""))
        exchange.follow(headers)
        extra: Pairs = ()
        try:
            if target.last == "predict" and media_type(headers.get("content-type", "")) == NDJSON:
                exchange.end(await self._stream(exchange, target, headers, receive, send))
                return
            answer = await self._answer(exchange, target, headers, receive, scope["query_string"])
        except Exception as error:  # noqa: BLE001 - whatever it is, the client is answered and the log has it
            answer, extra = exchange.refusal(error)
        if answer is not None and is_packable(answer, headers.get("accept-encoding", "")):
            long = len(answer.body) > INLINE_BYTES
            answer = await asyncio.to_thread(pack, answer) if long else pack(answer)
            extra = [*extra, *PACKED]
        if answer is not None:
            await send_answer(answer, send, [(b"x-request-id", exchange.identity.encode()), *extra])
        exchange.end(str(answer.status) if answer is not None else GONE)

    async def _stream(
        self, exchange: Exchange, target: Target, headers: Headers, receive: Receive, send: Send
    ) -> str:
        """Answer records without end; the status, or that the client went away."""
        exchange.admit(headers.get("authorization", ""), headers.get("x-api-key", ""))
        model = exchange.find(target.name, target.version)
        done = await stream(self.service, model, receive, send, exchange.identity)
        return "200" if done else GONE

    async def _answer(
        self, exchange: Exchange, target: Target, headers: Headers, receive: Receive, query: bytes
    ) -> Answer | None:
        """The model's answer; None when the client went away."""
        exchange.admit(headers.get("authorization", ""), headers.get("x-api-key", ""))
        model = exchange.find(target.name, target.version)
        body = await read_body(headers, receive, self.max_body_bytes)
        if body is None:
            return None
        work: Coroutine[Any, Any, Answer]
        if target.last == "infer":
            work = self.service.infer(model, body, headers.get(_JSON_SIZE))
        else:
            kinds = {"content_type": headers.get("content-type", ""), "accept": headers.get("accept", "")}
            work = self.service.predict(model, body, query=query, **kinds)
        if self.service.is_quick(model, len(body)):
            return await work
        return await _unless_gone(work, receive)


async def _unless_gone(work: Coroutine[Any, Any, Answer], receive: Receive) -> Answer | None:
    """What `work` gives; None when the client goes away first, and then the work is dropped."""
    working = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
        return await working if working.done() else None
    finally:
        working.cancel()
        gone.cancel()


async def _gone(receive: Receive) -> None:
    """Wait until the client goes away."""
    while (await receive())["type"] != "http.disconnect":
        pass
