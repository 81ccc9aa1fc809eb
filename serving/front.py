"""The ASGI application: models answer here, at once; every other route is FastAPI's.

FastAPI's routing and request models would cost more time than a small graph's run.
"""

import asyncio
import logging
import re
import secrets
from collections.abc import Coroutine
from itertools import count
from time import perf_counter
from typing import Any, NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

from serving.errors import BusyError, ServingError, http_status, one_line
from serving.infer_request import JSON_SIZE_HEADER
from serving.infer_response import Answer
from serving.logs import FIELDS, requests_log
from serving.service import Service
from serving.wire import Headers, Pairs, error_answer, read_body, read_headers, send_answer

log = logging.getLogger(__name__)
_JSON_SIZE = JSON_SIZE_HEADER.lower()
_LASTS = {"infer": "/v2/models/", "predict": "/models/"}
_ID = re.compile(r"[A-Za-z0-9._:/-]{1,128}")
_PROCESS = secrets.token_hex(4)
RETRY_AFTER = (b"retry-after", b"1")


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

    def __init__(self, service: Service, app: ASGIApp, max_body_bytes: int) -> None:
        self.service, self.app, self.max_body_bytes = service, app, max_body_bytes
        self._numbers = count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; nothing is sent to a client that went away."""
        target = find_target(scope["path"]) if scope["type"] == "http" else None
        if target is None:
            await self.app(scope, receive, send)
        elif scope["method"] != "POST":
            text = f"Method Not Allowed: {scope['method']} {scope['path'][:200]}; /docs lists what there is"
            await send_answer(error_answer(405, text), send, [(b"allow", b"POST")])
        else:
            await self._run(target, scope, receive, send)

    async def _run(self, target: Target, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, count and log one request; its id is the client's X-Request-Id, or a new one."""
        began = perf_counter()
        headers = read_headers(scope)
        given = headers.get("x-request-id", "")
        identity = given if _ID.fullmatch(given) else f"{_PROCESS}-{next(self._numbers)}"
        answer, extra = await self._outcome(target, headers, receive, identity)
        if answer is not None:
            await send_answer(answer, send, [(b"x-request-id", identity.encode()), *extra])
        status = str(answer.status) if answer is not None else "gone"
        seconds = perf_counter() - began
        self.service.count(target.name, target.version, "http", status, seconds)
        if requests_log.isEnabledFor(logging.INFO):
            about = {
                "request": identity,
                "path": scope["path"],
                "status": status,
                "seconds": round(seconds, 6),
            }
            requests_log.info("request", extra={FIELDS: about})

    async def _outcome(
        self, target: Target, headers: Headers, receive: Receive, identity: str
    ) -> tuple[Answer | None, Pairs]:
        """What the model gives, or the error as every route has it; None for a client that left."""
        try:
            return await self._answer(target, headers, receive), ()
        except BusyError as error:
            return error_answer(http_status(error), one_line(error)), [RETRY_AFTER]
        except ServingError as error:
            return error_answer(http_status(error), one_line(error)), ()
        except Exception as error:
            log.exception("%s of %s, request %s, failed: %s", *target[:2], identity, one_line(error))
            return error_answer(500, f"internal error; the service's log has the cause of {identity}"), ()

    async def _answer(self, target: Target, headers: Headers, receive: Receive) -> Answer | None:
        """The model's answer; None when the client went away."""
        body = await read_body(headers, receive, self.max_body_bytes)
        if body is None:
            return None
        last, name, version = target
        work: Coroutine[Any, Any, Answer]
        if last == "infer":
            work = self.service.infer(name, version, body, headers.get(_JSON_SIZE))
        else:
            kinds = {"content_type": headers.get("content-type", ""), "accept": headers.get("accept", "")}
            work = self.service.predict(name, version, body, **kinds)
        if self.service.is_quick(name, version, len(body)):
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
