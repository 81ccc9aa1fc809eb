"""An exchange as WARC records (ISO 28500), each a gzip member of its own, ready to be appended to a file."""

import zlib
from io import BytesIO
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from requests.utils import requote_uri
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from scrapers.fetch import Fetched

RENDERED_WITH = "WARC-Rendered-With"  # our mark on a page as a browser drew it
NOT_MODIFIED = "http://netpreserve.org/warc/1.1/revisit/server-not-modified"
_GZIP_MEMBER, _LEVEL = 31, 3  # higher levels take thrice the time for a twentieth of the size


class Packed(NamedTuple):
    """Bytes to append to a WARC; the first `size` of them are the answer's own record."""

    data: bytes
    size: int


def pack_exchange(fetched: Fetched) -> Packed:
    """An answer and the request that it answers."""
    writer, file = _writer()
    answer = writer.create_warc_record(
        fetched.url, "response", BytesIO(fetched.body), len(fetched.body), http_headers=_answer(fetched)
    )
    writer.write_record(answer)
    response = _gzipped(file)
    return Packed(response + _request(fetched, answer), len(response))


def pack_not_modified(fetched: Fetched, refers_to_date: str) -> bytes:
    """The exchange by which the server said that a page has not changed since it was stored."""
    writer, file = _writer()
    about = {
        "WARC-Profile": NOT_MODIFIED,
        "WARC-Refers-To-Target-URI": fetched.url,
        "WARC-Refers-To-Date": refers_to_date,
    }
    answer = writer.create_warc_record(
        fetched.url, "revisit", http_headers=_answer(fetched), warc_headers_dict=about
    )
    writer.write_record(answer)
    return _gzipped(file) + _request(fetched, answer)


def pack_rendered(url: str, html: str, browser: str) -> bytes:
    """What a browser (its name and version) made of a page."""
    writer, file = _writer()
    content = html.encode("utf-8", "replace")
    writer.write_record(
        writer.create_warc_record(
            url,
            "resource",
            payload=BytesIO(content),
            length=len(content),
            warc_content_type="text/html; charset=utf-8",
            warc_headers_dict={RENDERED_WITH: browser},
        )
    )
    return _gzipped(file)


def pack_info(about: dict[str, str]) -> bytes:
    """The record with which a file begins: what it is of."""
    writer, file = _writer()
    writer.write_record(writer.create_warcinfo_record(None, about))
    return _gzipped(file)


def _writer() -> tuple[WARCWriter, BytesIO]:
    file = BytesIO()
    return WARCWriter(file, gzip=False, warc_version="WARC/1.1"), file


def _gzipped(file: BytesIO) -> bytes:
    packer = zlib.compressobj(_LEVEL, wbits=_GZIP_MEMBER)
    return packer.compress(file.getbuffer()) + packer.flush()


def _answer(fetched: Fetched) -> StatusAndHeaders:
    # The body is kept as it came, without the transfer encoding that was undone on the way.
    headers = [pair for pair in fetched.headers if pair[0].lower() != "transfer-encoding"]
    return StatusAndHeaders(f"{fetched.status} {ascii(fetched.reason)[1:-1]}", headers, protocol="HTTP/1.1")


def _open(name: str, value: str) -> str:
    """A header's value as it may be archived: a session is not for those who read the file."""
    return "[withheld]" if name.lower() in {"cookie", "authorization"} else value


def _request(fetched: Fetched, answer: Any) -> bytes:
    writer, file = _writer()
    parts = urlsplit(requote_uri(fetched.url))
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    asked = [("Host", parts.netloc), *((key, _open(key, value)) for key, value in fetched.request_headers)]
    question = StatusAndHeaders(f"{fetched.method} {target} HTTP/1.1", asked, is_http_request=True)
    about = {"WARC-Concurrent-To": answer.rec_headers.get_header("WARC-Record-ID")}
    writer.write_record(
        writer.create_warc_record(fetched.url, "request", http_headers=question, warc_headers_dict=about)
    )
    return _gzipped(file)
