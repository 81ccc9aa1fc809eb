"""Records without end: lines of JSON in, a line of JSON out for each, in order, a batch at a time.

A line that is no record of the model's is answered with its number (from 1) and what is wrong, and ends
nothing. No more than a batch is held: the client is read only as fast as it reads.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import orjson
from starlette.types import Receive, Send

from serving.errors import InvalidInputError, ServingError, TooLargeError, UnsupportedError, one_line
from serving.model import Model
from serving.records import read_records, write_predictions
from serving.service import Service

NDJSON = "application/x-ndjson"
MAX_LINE_BYTES = 1024 * 1024
BATCH_LINES, BATCH_BYTES = 256, 256 * 1024
Line = tuple[int, bytes]


async def stream(service: Service, model: Model, receive: Receive, send: Send, identity: str) -> bool:
    """Answer a request's lines until it ends; False when the client left first. Raises UnsupportedError."""
    if model.reader is not None:
        raise UnsupportedError(f"{model.bundle.name} takes no stream of records: send them one by one")
    headers = [(b"content-type", NDJSON.encode()), (b"x-request-id", identity.encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    async for batch in _batches(receive):
        if batch is None:
            return False
        lines = await _answers(service, model, batch)
        await send({"type": "http.response.body", "body": b"".join(lines), "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
    return True


async def _batches(receive: Receive) -> AsyncIterator[list[Line] | None]:
    """Batches of numbered lines; None when the client went away. A line over MAX_LINE_BYTES is the last."""
    rest, number, more = b"", 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            yield None
            return
        more = message.get("more_body", False)
        *whole, rest = (rest + message.get("body", b"")).split(b"\n")
        if not more or len(rest) > MAX_LINE_BYTES:
            more = False
            whole.append(rest)
        lines = [(at, line) for at, line in enumerate(whole, number + 1) if line.strip()]
        number += len(whole)
        for batch in _parted(lines):
            yield batch


def _parted(lines: list[Line]) -> Iterator[list[Line]]:
    """Lines in batches, none of them too many or too long."""
    batch: list[Line] = []
    for line in lines:
        batch.append(line)
        if len(batch) >= BATCH_LINES or len(line[1]) >= BATCH_BYTES:
            yield batch
            batch = []
    if batch:
        yield batch


async def _answers(service: Service, model: Model, batch: list[Line]) -> list[bytes]:
    """A line for each of a batch."""
    answers: dict[int, Any] = {}
    good: list[tuple[int, Any]] = []
    for number, line in batch:
        try:
            record = _record(line)
            read_records([record], model.bundle, max_rows=1)
            good.append((number, record))
        except ServingError as error:
            answers[number] = {"line": number, "error": one_line(error)}
    if good:
        try:
            arrays = read_records([record for _, record in good], model.bundle, max_rows=len(good))
            results = await service.gatherer.run(model, arrays, model.outputs)
            predictions = write_predictions(model.bundle, results)
            answers |= {number: each for (number, _), each in zip(good, predictions, strict=True)}
        except ServingError as error:
            answers |= {number: {"line": number, "error": one_line(error)} for number, _ in good}
    written = (orjson.dumps(answers[number], option=orjson.OPT_SERIALIZE_NUMPY) for number, _ in batch)
    return [line + b"\n" for line in written]


def _record(line: bytes) -> Any:
    if len(line) > MAX_LINE_BYTES:
        raise TooLargeError(f"a line over {MAX_LINE_BYTES} bytes, the stream ends here")
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise InvalidInputError(f"not JSON: {error}") from None
    if not isinstance(record, dict):
        raise InvalidInputError("expected one object a line")
    return record
