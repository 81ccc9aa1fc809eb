"""The ASGI endpoint of the inference routes: reads a bounded body, has it answered, sends the answer."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor

from starlette.types import Message, Receive, Scope, Send

from serving.errors import TooLargeError, UnsupportedError
from serving.infer_request import JSON_SIZE_HEADER
from serving.infer_response import Answer

Work = Callable[[dict[str, str], bytes, str | None], Answer]

INLINE_BYTES = 32 * 1024
_JSON_SIZE = JSON_SIZE_HEADER.lower().encode()


class BodyEndpoint:
    """Answers POST bodies with `work(path parameters, body, Inference-Header-Content-Length)`.

    A body up to INLINE_BYTES is answered on the event loop (a row takes less time than a thread's
    hand-over), a larger one in `pool`, so that health checks and small requests do not wait for it.
    """

    def __init__(self, work: Work, pool: Executor, max_body_bytes: int) -> None:
        self.work = work
        self.pool = pool
        self.max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; a ServingError is left to the application's handlers."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        body = await self._read(headers, receive)
        if body is None:
            return
        json_size = headers.get(_JSON_SIZE)
        arguments = (scope["path_params"], body, None if json_size is None else json_size.decode("latin-1"))
        if len(body) <= INLINE_BYTES:
            answer = self.work(*arguments)
        else:
            answer = await asyncio.get_running_loop().run_in_executor(self.pool, self.work, *arguments)
        await _send(answer, send)

    async def _read(self, headers: dict[bytes, bytes], receive: Receive) -> bytes | None:
        """The whole body, or None when the client went away."""
        encoding = headers.get(b"content-encoding", b"identity")
        if encoding.lower() != b"identity":
            raise UnsupportedError(f"Content-Encoding {encoding.decode('latin-1')[:40]!r} is not supported")
        self._limit(int(headers.get(b"content-length", 0)))
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
    """Send an answer with the headers that tell JSON from binary."""
    headers = [(b"content-length", str(len(answer.body)).encode())]
    if answer.json_size is None:
        headers.append((b"content-type", b"application/json"))
    else:
        headers.append((b"content-type", b"application/octet-stream"))
        headers.append((_JSON_SIZE, str(answer.json_size).encode()))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
