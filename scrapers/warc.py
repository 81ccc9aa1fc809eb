"""Pages in a gzipped WARC file (ISO 28500:2017): appended, read back one or all, a torn tail mended."""

import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple, Self

from scrapers.body import decode
from scrapers.errors import WarcError
from scrapers.warc_records import EXTRA_BYTES, RENDERED_WITH, member_size, pack_info

MAX_CONTENT_BYTES = 2**30  # a reader's guard only: the crawl's own limit was applied before writing
_GZIP_MEMBER = 31
_CHUNK = 128 * 1024


class Span(NamedTuple):
    """Where a gzip member of a WARC starts and ends, in bytes."""

    start: int
    end: int


@dataclass(frozen=True)
class StoredPage:
    """One page of a WARC: an answer of the site, or (`rendered`) what a browser made of it.

    `content` is decoded; `headers` are the answer's; `offset` is where the record starts in the file.
    """

    url: str
    status: int
    headers: tuple[tuple[str, str], ...]
    content: bytes
    rendered: bool
    offset: int

    def header(self, name: str) -> str:
        """The first header of that name, or an empty text."""
        return next((value for key, value in self.headers if key.lower() == name), "")


class PageWriter:
    """Appends to a WARC file, one gzip member a record; a new file starts with a warcinfo record.

    `about` says what the file is of; `read_about` gives it back. `size` is how long the file is, in bytes.
    """

    def __init__(self, path: Path, about: dict[str, str]) -> None:
        # Unbuffered: what is appended is not lost when this process is.
        self._file = path.open("ab", buffering=0)
        self.size = self._file.tell()
        if not self.size:
            self.append(pack_info(about))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def append(self, data: bytes) -> int:
        """Append whole members; where they start."""
        start = self.size
        self._file.write(data)
        self.size += len(data)
        return start

    def close(self) -> None:
        """Close the file when all of it has reached the disk."""
        if not self._file.closed:
            os.fsync(self._file.fileno())
            self._file.close()


def read_pages(path: Path, start: int = 0) -> Iterator[StoredPage]:
    """The pages of a WARC in file order, from the record at byte `start` on.

    Raises WarcError: no such file, not a WARC, a broken record.
    """
    for span in spans(path, start):
        yield from read_spans(path, [span])


def spans(path: Path, start: int = 0) -> Iterator[Span]:
    """Where the records of a WARC stand, without reading them. Raises WarcError as `read_pages`."""
    try:
        with path.open("rb") as file:
            for span in whole_spans(file, start):
                yield span
                start = span.end
            check_end(file, start)
    except OSError as error:
        raise WarcError(f"{path}: expected a whole WARC file, got: {error.strerror}; crawl again") from error


def whole_spans(file: BinaryIO, start: int) -> Iterator[Span]:
    """Where the whole records of an open WARC stand, from byte `start` on, without reading them."""
    end = file.seek(0, os.SEEK_END)
    while start < end:
        file.seek(start)
        size = member_size(file.read(EXTRA_BYTES))
        stop = _end_of_member(file, start) if size is None else start + size
        if stop is None or stop > end:
            return
        yield Span(start, stop)
        start = stop


def check_end(file: BinaryIO, end: int) -> None:
    """Refuse a WARC that holds more than its whole records, which end there. Raises WarcError."""
    if end < file.seek(0, os.SEEK_END):
        raise WarcError(f"{file.name}: expected a whole record at byte {end}, got part of one; crawl again")


def read_spans(path: Path, places: list[Span]) -> list[StoredPage]:
    """The pages among the records that stand there. Raises WarcError."""
    try:
        with path.open("rb") as file:
            return pages_in(file, places)
    except OSError as error:
        raise WarcError(f"{path}: expected a whole WARC file, got: {error.strerror}; crawl again") from error


def pages_in(file: BinaryIO, places: list[Span]) -> list[StoredPage]:
    """The pages among the records of an open WARC that stand there. Raises WarcError."""
    path = Path(str(file.name))
    found = [_stored(_unpacked(file, span, path), span.start, path) for span in places]
    return [page for page in found if page is not None]


def read_page_at(file: BinaryIO, offset: int) -> StoredPage:
    """The page whose record starts at `offset`. Raises WarcError when there is none."""
    name = Path(str(file.name))
    file.seek(offset)
    size = member_size(file.read(EXTRA_BYTES))
    end = _end_of_member(file, offset) if size is None else offset + size
    page = None if end is None else _stored(_unpacked(file, Span(offset, end), name), offset, name)
    if page is None:
        raise WarcError(f"expected a page in the WARC at byte {offset}, got something else; crawl again")
    return page


def read_about(path: Path) -> dict[str, str]:
    """What the writer said the file is of; empty when it is not there or not readable."""
    _, text = _first_record(path)
    pairs = (line.partition(": ") for line in text.splitlines())
    return {key: value for key, mark, value in pairs if mark}


def read_begun(path: Path) -> datetime | None:
    """When the file's first record was written, in UTC; None when it is not there or not readable."""
    date, _ = _first_record(path)
    try:
        return datetime.fromisoformat(date).astimezone(UTC)
    except ValueError:
        return None


def repair(path: Path, start: int = 0) -> int:
    """Cut off what follows the last whole record from byte `start` on. Returns the number of bytes cut."""
    whole = start
    with path.open("rb") as file:
        while (end := _end_of_member(file, whole)) is not None:
            whole = end
    torn = path.stat().st_size - whole
    if torn:
        os.truncate(path, whole)
    return torn


def _end_of_member(file: BinaryIO, start: int) -> int | None:
    """Where the gzip member ends that starts there, found by unpacking it; None when it is not whole."""
    file.seek(start)
    inflater, used = zlib.decompressobj(_GZIP_MEMBER), 0
    while data := file.read(_CHUNK):
        try:
            inflater.decompress(data)
        except zlib.error:
            return None
        used += len(data) - len(inflater.unused_data)
        if inflater.eof:
            return start + used
    return None


def _unpacked(file: BinaryIO, span: Span, path: Path) -> bytes:
    file.seek(span.start)
    try:
        return zlib.decompress(file.read(span.end - span.start), _GZIP_MEMBER)
    except zlib.error as error:
        raise WarcError(
            f"{path}: expected a whole record at byte {span.start}, got: {error}; crawl again"
        ) from error


def _first_record(path: Path) -> tuple[str, str]:
    """The first record's date and content; empty texts when it cannot be read."""
    try:
        with path.open("rb") as file:
            end = _end_of_member(file, 0)
            if end is None:
                return "", ""
            headers, block = _parts(_unpacked(file, Span(0, end), path))
    except (OSError, WarcError, ValueError):
        return "", ""
    return headers.get("warc-date", ""), block.decode("utf-8", "replace")


def _parts(plain: bytes) -> tuple[dict[str, str], bytes]:
    """A record's headers, names in lower case, and its block. Raises ValueError when it is no WARC record."""
    if not plain.startswith(b"WARC/"):
        raise ValueError("not a WARC record")
    head, _, rest = plain.partition(b"\r\n\r\n")
    headers = {key.lower(): value for key, value in _pairs(head)}
    size = int(headers["content-length"])
    if len(rest) < size:
        raise ValueError("a record shorter than it says")
    return headers, rest[:size]


def _pairs(head: bytes) -> list[tuple[str, str]]:
    """The headers after the first line."""
    lines = head.decode("utf-8", "replace").split("\r\n")[1:]
    return [(key, value.strip()) for key, mark, value in (line.partition(":") for line in lines) if mark]


def _stored(plain: bytes, offset: int, path: Path) -> StoredPage | None:
    """The page that a record holds; None for a request, warcinfo or the like."""
    try:
        headers, block = _parts(plain)
        rendered = RENDERED_WITH.lower() in headers
        if not rendered and headers["warc-type"] != "response":
            return None
        url = headers["warc-target-uri"]
        if rendered:
            pair = ("Content-Type", "text/html; charset=utf-8")
            return StoredPage(url, 200, (pair,), block, rendered=True, offset=offset)
        head, _, body = block.partition(b"\r\n\r\n")
        answer = tuple(_pairs(head))
        encoding = next((value for key, value in answer if key.lower() == "content-encoding"), "")
        content = decode(body, encoding, max_bytes=MAX_CONTENT_BYTES)
        return StoredPage(url, int(head.split(b" ", 2)[1]), answer, content, rendered=False, offset=offset)
    except (KeyError, IndexError, ValueError) as error:
        raise WarcError(
            f"{path}: expected a whole record at byte {offset}, got: {error}; crawl again"
        ) from error
