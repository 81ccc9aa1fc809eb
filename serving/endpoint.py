"""The ASGI endpoint of the inference routes: reads a bounded body, has it answered, sends the answer."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor

from starlette.types import Message, Receive, Scope, Send

from serving.errors import TooLargeError, UnsupportedError
from serving.infer_request import JSON_SIZE_HEADER
from serving.infer_response import Answer

Headers = Mapping[str, str]
Work = Callable[[dict[str, str], bytes, Headers], Answer]

INLINE_BYTES = 32 * 1024
_JSON_SIZE = JSON_SIZE_HEADER.lower().encode()


def always(_: dict[str, str]) -> bool:
    """Say that every small body is answered quickly."""
    return True


class BodyEndpoint:
    """Answers POST bodies with `work(path parameters, body, headers)`, whose names are in lower case.

    A body up to INLINE_BYTES is answered on the event loop (a row takes less time than a thread's
    hand-over) where `quick(path parameters)` says so, any other in `pool`, so that health checks and small
    requests do not wait for it.
    """

    def __init__(
        self,
        work: Work,
        pool: Executor,
        max_body_bytes: int,
        quick: Callable[[dict[str, str]], bool] = always,
    ) -> None:
        self.work = work
        self.pool = pool
        self.max_body_bytes = max_body_bytes
        self.quick = quick

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; a ServingError is left to the application's handlers."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        body = await self._read(headers, receive)
        if body is None:
            return
        arguments = (scope["path_params"], body, headers)
        if len(body) <= INLINE_BYTES and self.quick(scope["path_params"]):
            answer = self.work(*arguments)
        else:
            answer = await asyncio.get_running_loop().run_in_executor(self.pool, self.work, *arguments)
        await _send(answer, send)

    async def _read(self, headers: Headers, receive: Receive) -> bytes | None:
        """The whole body, or None when the client went away."""
        encoding = headers.get("content-encoding", "identity")
        if encoding.lower() != "identity":
            raise UnsupportedError(f"Content-Encoding {encoding[:40]!r} is not supported")
        self._limit(int(headers.get("content-length", 0)))
        chunks: list[bytes] = []
        size = 0
        more = True
        while more:
            message: Message = await receive()
            if message["type"] == "http.disconnect":
                return None
            chunk = message.get("body", b"")
            size += len(chunk)
            self._limit(size)
            chunks.append(chunk)
            more = message.get("more_body", False)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _limit(self, size: int) -> None:
        """Refuse a body over the limit, before it is read where its size is announced."""
        if size > self.max_body_bytes:
            raise TooLargeError(f"the body has {size} bytes, at most {self.max_body_bytes} are read")


async def _send(answer: Answer, send: Send) -> None:
    """Send an answer with the headers that say what it is."""
    headers = [
        (b"content-length", str(len(answer.body)).encode()),
        (b"content-type", answer.media_type.encode()),
    ]
    if answer.json_size is not None:
        headers.append((_JSON_SIZE, str(answer.json_size).encode()))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
