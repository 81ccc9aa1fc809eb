"""Requests of one tensor in JSON that differ in nothing but its values: the rest of such a body is read once.

JSON is context-free (RFC 8259): a text that holds a value at some place is as valid with any other there, and
says the same but for that value. So of a body that begins and ends as one that was read before, only the
values are read.
"""

from typing import Any, NamedTuple

import orjson

from serving import tensors
from serving.bundle import Bundle, Input
from serving.infer_request import InferRequest

MAX_FRAMES, MAX_BYTES = 64, 1024
_DATA = b'"data"'
_MARK = "\x00 what stands where the values stood"


class Frame(NamedTuple):
    """What follows the values in a body, and all that such a body says but them."""

    tail: bytes
    shape: list[int]
    request: InferRequest


class Frames:
    """Frames of the requests for one version of a model, by what comes before the values."""

    def __init__(self, bundle: Bundle) -> None:
        self._input: Input | None = bundle.inputs[0] if len(bundle.inputs) == 1 else None
        self._known: dict[bytes, Frame] = {}

    def read(self, body: bytes) -> InferRequest | None:
        """What `read_request` gives for a body whose frame is known; None of another.

        Raises InvalidInputError, TooLargeError as `read_request` does.
        """
        if not self._known or self._input is None:
            return None
        at = _begin(body)
        frame = self._known.get(body[:at])
        if frame is None or not body.endswith(frame.tail):
            return None
        try:
            data = orjson.loads(memoryview(body)[at : len(body) - len(frame.tail)])
        except orjson.JSONDecodeError:
            return None  # whose error names a place in the whole body
        array = tensors.from_data(data, frame.shape, self._input)
        return frame.request._replace(arrays={self._input.name: array})

    def learn(self, body: bytes, request: InferRequest) -> None:
        """Know the frame of a body that `read_request` has read, where it has one that may come again."""
        if self._input is None or request.id is not None:
            return
        at = _begin(body)
        close = b"]]" if body.startswith(b"[[", at) else b"]"
        end = body.find(close, at) + len(close)
        if not 0 < at < end or max(at, len(body) - end) > MAX_BYTES or not _stands(body, at, end):
            return
        if len(self._known) >= MAX_FRAMES:
            self._known.clear()
        shape = [*request.arrays[self._input.name].shape]
        self._known[body[:at]] = Frame(body[end:], shape, request._replace(arrays={}))


def _begin(body: bytes) -> int:
    """Where the list of values begins, if it is where `_stands` has found it; -1 where there is none."""
    return body.find(b"[", body.find(_DATA) + len(_DATA))


def _stands(body: bytes, at: int, end: int) -> bool:
    """Whether `body[at:end]` is a whole value, and the one of its one tensor's data."""
    try:
        orjson.loads(body[at:end])
        marked: Any = orjson.loads(body[:at] + orjson.dumps(_MARK) + body[end:])
    except orjson.JSONDecodeError:
        return False
    inputs = marked.get("inputs") if isinstance(marked, dict) else None
    first = inputs[0] if isinstance(inputs, list) and inputs else None
    return isinstance(first, dict) and bool(first.get("data") == _MARK)
