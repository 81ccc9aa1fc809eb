"""What every form shares: the one field of each record, and what a form does."""

from collections.abc import Callable
from typing import Any, Protocol

from serving import tensors
from serving.errors import InvalidInputError, TooLargeError
from serving.infer_request import Arrays

Infer = Callable[[Arrays], Arrays]

MAX_RECORDS = {"image": 1024, "seed": 256, "translation": 64}
"""The most records of a request, by the form's kind, where a record costs far more than a row of numbers."""


class FormReader(Protocol):
    """One form of one model; `answer` may be called from several threads at once."""

    def answer(self, document: object, infer: Infer, *, max_rows: int) -> list[dict[str, Any]]:
        """One object a record of the request. Raises InvalidInputError naming the record at fault."""


def read_field(document: object, field: str, *, max_rows: int) -> list[Any]:
    """The value of `field` of each record, from one JSON object or a list of them.

    Raises InvalidInputError naming the record (from 0), TooLargeError over `max_rows` records.
    """
    records: list[Any] = document if isinstance(document, list) else [document]
    if not records:
        raise InvalidInputError("expected at least one record, got an empty list")
    if len(records) > max_rows:
        raise TooLargeError(f"{len(records)} records, at most {max_rows} in one request")
    for at, record in enumerate(records):
        if not isinstance(record, dict):
            raise InvalidInputError(f"record {at}: expected an object, got {tensors.shown(record)}")
        unknown = next((name for name in record if name != field), None)
        if unknown is not None:
            raise InvalidInputError(f"record {at}: there is no field {unknown[:80]!r}, only {field!r}")
        if field not in record:
            raise InvalidInputError(f"record {at}: field {field!r} is missing and has to be given")
    return [record[field] for record in records]


def read_texts(document: object, field: str, *, max_rows: int) -> list[str]:
    """The text in `field` of each record; one that is empty or no text is refused."""
    values = read_field(document, field, max_rows=max_rows)
    for at, value in enumerate(values):
        if not isinstance(value, str) or not value.strip():
            raise InvalidInputError(
                f"record {at}: field {field!r}: expected a text with a word in it, got {tensors.shown(value)}"
            )
    return values
