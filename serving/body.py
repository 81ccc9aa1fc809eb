"""A request body as JSON, with an error that says where it stops being JSON."""

from typing import Any

import orjson

from serving import tensors
from serving.errors import InvalidInputError


def read_object(body: bytes) -> dict[str, Any]:
    """A JSON object; an empty body is an empty one. Raises InvalidInputError."""
    document = parse_json(body) if body else {}
    if not isinstance(document, dict):
        raise InvalidInputError(f"expected a JSON object, got {tensors.shown(document)}")
    return document


def parse_json(body: bytes | memoryview) -> object:
    """Parse UTF-8 JSON; nesting deeper than orjson's 1,024 levels is refused, as are NaN and infinities.

    Raises InvalidInputError with the place of the fault.
    """
    if not len(body):
        raise InvalidInputError("the body is empty, expected JSON")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        place = f"{error.msg} at line {error.lineno}, column {error.colno}"
    try:
        str(body, "utf-8")
    except UnicodeDecodeError as error:
        place = f"not UTF-8 at byte {error.start}"
    raise InvalidInputError(f"the body is not JSON: {place}")
