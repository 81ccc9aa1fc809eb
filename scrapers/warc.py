"""Pages in a gzipped WARC file (ISO 28500): every fetch written, pages read back, a torn tail mended."""

import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed

from scrapers.body import decode
from scrapers.errors import WarcError
from scrapers.warc_records import RENDERED_WITH, pack_info

MAX_CONTENT_BYTES = 2**30  # a reader's guard only: the crawl's own limit was applied before writing
_GZIP_MEMBER = 31
_CHUNK = 128 * 1024


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
    try:
        with path.open("rb") as file:
            file.seek(start)
            records = ArchiveIterator(file)
            for record in records:
                page = _stored(record, records)
                if page is not None:
                    yield page
    except (OSError, ArchiveLoadFailed, zlib.error, ValueError) as error:
        raise WarcError(f"{path}: expected a whole WARC file, got: {error}; crawl again") from error


def read_page_at(file: BinaryIO, offset: int) -> StoredPage:
    """The page whose record starts at `offset`. Raises WarcError when there is none."""
    file.seek(offset)
    records = ArchiveIterator(file)
    page = _stored(next(records, None), records)
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
    whole = _end_of_last_whole_member(path, start)
    torn = path.stat().st_size - whole
    if torn:
        os.truncate(path, whole)
    return torn


def _first_record(path: Path) -> tuple[str, str]:
    """The first record's date and content; empty texts when it cannot be read."""
    try:
        with path.open("rb") as file:
            record = next(ArchiveIterator(file), None)
            if record is None:
                return "", ""
            return record.rec_headers.get_header("WARC-Date", ""), record.content_stream().read().decode()
    except (OSError, ArchiveLoadFailed, zlib.error, ValueError):
        return "", ""


def _end_of_last_whole_member(path: Path, start: int) -> int:
    end = start
    with path.open("rb") as file:
        file.seek(start)
        inflater, used = zlib.decompressobj(_GZIP_MEMBER), 0
        rest = file.read(_CHUNK)
        while rest:
            try:
                inflater.decompress(rest)
            except zlib.error:
                break
            used += len(rest) - len(inflater.unused_data)
            rest = inflater.unused_data
            if inflater.eof:
                end, inflater, used = end + used, zlib.decompressobj(_GZIP_MEMBER), 0
            rest = rest or file.read(_CHUNK)
    return end


def _stored(record: Any, records: ArchiveIterator) -> StoredPage | None:
    """The page that a record holds; None for a request, warcinfo or the like."""
    rendered = record is not None and record.rec_headers.get_header(RENDERED_WITH) is not None
    if record is None or not (rendered or record.rec_type == "response"):
        return None
    content = record.raw_stream.read()
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "text/html; charset=utf-8"),)
    status = 200
    if not rendered:
        headers = tuple(record.http_headers.headers)
        status = int(record.http_headers.get_statuscode())
        encoding = record.http_headers.get_header("Content-Encoding", "")
        content = decode(content, encoding, max_bytes=MAX_CONTENT_BYTES)
    url = record.rec_headers.get_header("WARC-Target-URI")
    return StoredPage(url, status, headers, content, rendered, records.get_record_offset())
