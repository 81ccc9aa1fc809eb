"""HTTP as ASGI has it: a bounded body in, an answer out. Nothing here knows models."""

import zlib
from collections.abc import Mapping, Sequence

import orjson
from starlette.types import Receive, Scope, Send

from serving.errors import (
    BusyError,
    InvalidInputError,
    ServingError,
    TooLargeError,
    UnauthorizedError,
    UnsupportedError,
)
from serving.infer_request import JSON_SIZE_HEADER
from serving.infer_response import Answer

Headers = Mapping[str, str]
Pairs = Sequence[tuple[bytes, bytes]]

_JSON_SIZE = JSON_SIZE_HEADER.lower().encode()
_WINDOW_BITS = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


def read_headers(scope: Scope) -> Headers:
    """The request's headers, names in lower case; of one given twice the last."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


async def read_body(headers: Headers, receive: Receive, max_bytes: int) -> bytes | None:
    """The whole body, unpacked where it came as gzip or deflate (RFC 9110); None when the client went away.

    Raises TooLargeError over `max_bytes`, packed or unpacked, and before reading where the size is announced.
    """
    coding = headers.get("content-encoding", "identity").strip().lower()
    if coding != "identity" and coding not in _WINDOW_BITS:
        raise UnsupportedError(f"Content-Encoding {coding[:40]!r} is not supported, only gzip and deflate")
    _limit(int(headers.get("content-length", 0)), max_bytes)
    message = await receive()
    body = message.get("body", b"")
    if message.get("more_body", False):
        chunks, size = [body], len(body)
        while message.get("more_body", False):
            message = await receive()
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            _limit(size, max_bytes)
        body = b"".join(chunks)
    if message["type"] == "http.disconnect":
        return None
    _limit(len(body), max_bytes)
    return body if coding == "identity" else _unpack(body, coding, max_bytes)


def _limit(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise TooLargeError(f"the body has {size} bytes, at most {max_bytes} are read")


def _unpack(body: bytes, coding: str, max_bytes: int) -> bytes:
    """The unpacked body, never more of it than the limit and a byte: a small one may hold gigabytes."""
    unpacker = zlib.decompressobj(_WINDOW_BITS[coding])
    try:
        content = unpacker.decompress(body, max_bytes + 1)
    except zlib.error as error:
        raise InvalidInputError(f"the body is not {coding}: {error}") from None
    if len(content) > max_bytes:
        raise TooLargeError(f"the body unpacks to more than {max_bytes} bytes, which is all that is read")
    if not unpacker.eof:
        raise InvalidInputError(f"the body is not {coding}: it ends too early")
    return content


async def send_answer(answer: Answer, send: Send, extra: Pairs = ()) -> None:
    """Send an answer with the headers that say what it is, and `extra` ones."""
    headers = [
        (b"content-length", str(len(answer.body)).encode()),
        (b"content-type", answer.media_type.encode()),
        *extra,
    ]
    if answer.json_size is not None:
        headers.append((_JSON_SIZE, str(answer.json_size).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


def extra_headers(error: ServingError) -> Pairs:
    """What an error's answer has beside its text."""
    if isinstance(error, BusyError):
        return [(b"retry-after", b"1")]
    if isinstance(error, UnauthorizedError):
        return [(b"www-authenticate", b"Bearer")]
    return ()


def error_answer(status: int, text: str) -> Answer:
    """An error as every route gives it: {"error": text}."""
    return Answer(orjson.dumps({"error": text}), status=status)
