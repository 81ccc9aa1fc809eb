"""Whether an answer that looks like a page is one: no other kind of file, no challenge to the client."""

import re
from collections.abc import Sequence
from dataclasses import replace

from scrapers.fetch import Fetched

_MAGIC = {
    b"%PDF-": "a PDF",
    b"\x89PNG\r\n": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"PK\x03\x04": "a ZIP archive",
    b"\x1f\x8b": "a gzip file",
}
_TITLE = re.compile(rb"<title[^>]*>(.{0,200}?)</title", re.IGNORECASE | re.DOTALL)
_HEAD_BYTES = 8192
_CHALLENGES = re.compile(
    rb"checking your browser|just a moment|attention required|verify(ing)? (that )?you are (a )?human"
    rb"|are you a robot|unusual traffic|pardon our interruption|ddos protection",
    re.IGNORECASE,
)
_SMALL_BYTES = 64 * 1024  # of a page whose heading alone may be the challenge
_HEADING = re.compile(rb"<h1[^>]*>(.{0,300}?)</h1", re.IGNORECASE | re.DOTALL)


def judge(fetched: Fetched, blocked: Sequence[str] = ()) -> Fetched:
    """The answer; with an error when its 200 is no page of the site.

    `blocked` are further regular expressions of texts by which the site turns a crawler away. A challenge may
    be gone at another try, another kind of file not.
    """
    if fetched.error or fetched.status != 200:
        return fetched
    problem = why_no_page(fetched.content, blocked)
    return replace(fetched, error=problem, transient="challenge" in problem) if problem else fetched


def why_no_page(content: bytes, blocked: Sequence[str] = ()) -> str:
    """Why a body is no page of the site; empty when it is one."""
    if not content:
        return "an empty body"
    kind = next((name for magic, name in _MAGIC.items() if content.startswith(magic)), None)
    if kind is not None:
        return f"expected a page, got {kind}"
    said = _challenge(content, blocked)
    return f"expected a page, got a challenge to the crawler ({said!r})" if said else ""


def _challenge(content: bytes, blocked: Sequence[str]) -> str:
    """The text by which a page turns a crawler away; empty when it does not."""
    head = content[:_HEAD_BYTES]
    places = [_TITLE.search(head), _HEADING.search(head) if len(content) < _SMALL_BYTES else None]
    found = next((hit for place in places if place and (hit := _CHALLENGES.search(place[1]))), None)
    if found is not None:
        return found[0].decode("ascii", "replace")
    text = content[:_SMALL_BYTES].decode("utf-8", "replace") if blocked else ""
    return next((match[0] for pattern in blocked if (match := re.search(pattern, text))), "")
