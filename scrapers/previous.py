"""The crawl before this one: its answers are asked for again only as far as they may have changed."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from scrapers.errors import WarcError
from scrapers.fetched import Fetched
from scrapers.partial import FRONTIER_NAME, WARC_NAME
from scrapers.warc import StoredPage, read_page_at


@dataclass(frozen=True)
class Known:
    """A page of the crawl before: what tells whether it has changed, and where it is in that crawl's WARC."""

    url: str
    etag: str
    modified: str
    start: int
    size: int
    at: str

    def is_since(self, since: datetime | None) -> bool:
        """Whether the page was fetched, or found unchanged, at `since` or later."""
        return since is not None and bool(self.at) and datetime.fromisoformat(self.at) >= since

    @property
    def condition(self) -> dict[str, str]:
        """The headers that ask for the page only if it has changed (RFC 9110, 13.1)."""
        asked = {"If-None-Match": self.etag, "If-Modified-Since": self.modified}
        return {name: value for name, value in asked.items() if value}


class Previous:
    """A context manager around the finished crawl in a folder; empty when there is none that can be used."""

    def __init__(self, folder: Path) -> None:
        self._base: sqlite3.Connection | None = None
        self._file: BinaryIO | None = None
        warc, frontier = folder / WARC_NAME, folder / FRONTIER_NAME
        if warc.exists() and frontier.exists():
            self._base = sqlite3.connect(f"{frontier.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
            self._file = warc.open("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._base is not None and self._file is not None:
            self._base.close()
            self._file.close()

    def known(self, key: str) -> Known | None:
        """The page of that canonical URL, if it was had and can be told from a changed one."""
        if self._base is None:
            return None
        row = self._base.execute(
            "SELECT url, etag, modified, start, size, at FROM pages "
            "WHERE key = ? AND status = 200 AND size IS NOT NULL",
            (key,),
        ).fetchone()
        return None if row is None else Known(*row)

    def read(self, known: Known) -> tuple[StoredPage, bytes] | None:
        """The stored page and its record's bytes; None when the file is not the one that belongs to it."""
        assert self._file is not None
        try:
            page = read_page_at(self._file, known.start)
        except WarcError:
            return None
        if page.url != known.url:
            return None
        self._file.seek(known.start)
        return page, self._file.read(known.size)

    def gone(self, base: sqlite3.Connection) -> list[str]:
        """The URLs of pages that the crawl before had and this one, whose frontier is `base`, has not."""
        if self._base is None:
            return []
        had = self._base.execute(
            "SELECT key, url FROM pages WHERE status = 200 AND stands_for IS NULL ORDER BY url"
        )
        has = "SELECT 1 FROM pages WHERE key = ? AND (status = 200 OR state IN ('alias', 'queued'))"
        return [url for key, url in had if base.execute(has, (key,)).fetchone() is None]


def as_fetched(page: StoredPage, asked: Fetched) -> Fetched:
    """The stored answer in the place of the 304 to which `asked` led."""
    return Fetched(
        asked.url, status=page.status, headers=page.headers, content=page.content, retries=asked.retries
    )
