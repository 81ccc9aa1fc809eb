"""An exchange as WARC records (ISO 28500:2017), each a gzip member of its own, to be appended to a file.

Members carry their packed and plain size in a gzip extra field (`sl`, the standard's Annex D), so that a
reader can step from one to the next without unpacking any.
"""

import struct
from base64 import b32encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha1
from random import getrandbits
from typing import NamedTuple
from urllib.parse import quote, urlsplit
from uuid import UUID

from isal import isal_zlib

from scrapers.fetched import Fetched

RENDERED_WITH = "WARC-Rendered-With"  # our mark on a page as a browser drew it
NOT_MODIFIED = "http://netpreserve.org/warc/1.1/revisit/server-not-modified"
_LEVEL = 1  # by ISA-L, in a fifth of the time that zlib takes at its level 1, 5% longer
_GZIP, _PLAIN_HEAD = 31, 10  # zlib's own gzip format, and the bytes of its header
_HEAD = struct.Struct("<BBBBIBBHccHII")  # RFC 1952, 2.3: flags FEXTRA, one subfield of 8 bytes
EXTRA_BYTES = _HEAD.size
_LEFT = "%/:=&?~#+!$,;'@()*[]"  # of a URL in its request line
_WITHHELD = {"cookie", "authorization"}


class Packed(NamedTuple):
    """Bytes to append to a WARC; the first `size` of them are the answer's own record."""

    data: bytes
    size: int


def pack_exchange(fetched: Fetched) -> Packed:
    """An answer and the request that it answers."""
    identity = _identity()
    head = _answer_head(fetched)
    response = _record(
        "response",
        identity,
        head + fetched.body,
        {
            "WARC-Target-URI": fetched.url,
            "Content-Type": "application/http; msgtype=response",
        },
    )
    return Packed(response + _request(fetched, identity), len(response))


def pack_not_modified(fetched: Fetched, refers_to_date: str) -> bytes:
    """The exchange by which the server said that a page has not changed since it was stored."""
    identity = _identity()
    about = {
        "WARC-Target-URI": fetched.url,
        "WARC-Profile": NOT_MODIFIED,
        "WARC-Refers-To-Target-URI": fetched.url,
        "WARC-Refers-To-Date": refers_to_date,
        "Content-Type": "application/http; msgtype=response",
    }
    return _record("revisit", identity, _answer_head(fetched), about) + _request(fetched, identity)


def pack_rendered(url: str, html: str, browser: str) -> bytes:
    """What a browser (its name and version) made of a page."""
    content = html.encode("utf-8", "replace")
    about = {
        "WARC-Target-URI": url,
        RENDERED_WITH: browser,
        "WARC-Payload-Digest": _digest(content),
        "Content-Type": "text/html; charset=utf-8",
    }
    return _record("resource", _identity(), content, about)


def pack_info(about: Mapping[str, str]) -> bytes:
    """The record with which a file begins: what it is of."""
    content = "".join(f"{key}: {value}\r\n" for key, value in about.items()).encode()
    return _record("warcinfo", _identity(), content, {"Content-Type": "application/warc-fields"})


def _record(kind: str, identity: str, block: bytes, about: Mapping[str, str]) -> bytes:
    lines = [
        "WARC/1.1",
        f"WARC-Type: {kind}",
        f"WARC-Record-ID: {identity}",
        f"WARC-Date: {now():%Y-%m-%dT%H:%M:%SZ}",
        *(f"{key}: {value}" for key, value in about.items()),
        f"WARC-Block-Digest: {_digest(block)}",
        f"Content-Length: {len(block)}",
        "\r\n",
    ]
    return _member("\r\n".join(lines).encode("utf-8", "replace") + block + b"\r\n\r\n")


def _member(plain: bytes) -> bytes:
    """A gzip member that says how long it is."""
    # One call in place of several: each lets other threads go first, and then has to wait for its turn.
    packed = isal_zlib.compress(plain, _LEVEL, _GZIP)[_PLAIN_HEAD:]
    size = EXTRA_BYTES + len(packed)
    return _HEAD.pack(31, 139, 8, 4, 0, 0, 255, 12, b"s", b"l", 8, size, len(plain)) + packed


def member_size(head: bytes) -> int | None:
    """How long the gzip member is that begins with these EXTRA_BYTES bytes; None where it does not say."""
    if len(head) < EXTRA_BYTES:
        return None
    first, second, _, flags, _, _, _, extra, one, other, length, size, _ = _HEAD.unpack(head)
    said = (first, second, extra, one, other, length) == (31, 139, 12, b"s", b"l", 8) and flags == 4
    return size if said else None


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def _identity() -> str:
    # Unique, not secret: uuid4 would ask the system for every one.
    return f"<urn:uuid:{UUID(int=getrandbits(128), version=4)}>"


def _digest(data: bytes) -> str:
    return f"sha1:{b32encode(sha1(data, usedforsecurity=False).digest()).decode()}"


def _answer_head(fetched: Fetched) -> bytes:
    # The body is kept as it came, without the transfer encoding that was undone on the way.
    headers = [pair for pair in fetched.headers if pair[0].lower() != "transfer-encoding"]
    return _http(f"HTTP/1.1 {fetched.status} {ascii(fetched.reason)[1:-1]}", headers)


def _request(fetched: Fetched, answer: str) -> bytes:
    netloc, target = _target(fetched.url)
    sent = [("Host", netloc), *((key, _open(key, value)) for key, value in fetched.request_headers)]
    about = {
        "WARC-Target-URI": fetched.url,
        "WARC-Concurrent-To": answer,
        "Content-Type": "application/http; msgtype=request",
    }
    return _record("request", _identity(), _http(f"{fetched.method} {target} HTTP/1.1", sent), about)


@lru_cache(maxsize=1024)
def _target(url: str) -> tuple[str, str]:
    parts = urlsplit(quote(url, safe=_LEFT))
    return parts.netloc, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _http(first: str, headers: Sequence[tuple[str, str]]) -> bytes:
    lines = [first, *(f"{key}: {' '.join(value.split())}" for key, value in headers), "\r\n"]
    return "\r\n".join(lines).encode("utf-8", "replace")


def _open(name: str, value: str) -> str:
    """A header's value as it may be archived: a session is not for those who read the file."""
    return "[withheld]" if name.lower() in _WITHHELD else value
