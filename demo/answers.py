"""What the site answers to a request: a status, a body and the headers that belong to it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import Any

HTML = "text/html; charset=utf-8"
XML = "application/xml; charset=utf-8"
SVG = "image/svg+xml"
TEXT = "text/plain; charset=utf-8"
JSON = "application/json"


@dataclass(frozen=True)
class Answer:
    """One response before compression; `headers` are those besides type, length, encoding and ETag."""

    body: bytes
    media_type: str = HTML
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def etag(self) -> str:
        """A weak validator: the same for the plain and the compressed body."""
        return f'W/"{blake2b(self.body, digest_size=10).hexdigest()}"'


def page(html: str, status: int = 200) -> Answer:
    """An HTML page."""
    return Answer(html.encode("utf-8"), status=status)


def rows(value: Mapping[str, Any]) -> Answer:
    """A JSON object."""
    return Answer(json.dumps(value, separators=(",", ":")).encode("utf-8"), JSON)


def busy(retry_after_s: int) -> Answer:
    """A refusal for now, which says when to come back."""
    text = f"Too many visitors for a moment; come back in {retry_after_s} s.\n"
    return Answer(text.encode(), TEXT, 503, {"Retry-After": str(retry_after_s)})
