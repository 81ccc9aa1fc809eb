"""The frontier of a crawl, on disk (SQLite): every URL seen, queued, fetched or failed, breadth first.

What is in the WARC and what is here agree after any end of the process: pages are written to the WARC first,
and each commit says how far the WARC goes; what lies beyond was written by requests not yet committed.
"""

import re
import sqlite3
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, fields
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from scrapers.robots import Robots
from scrapers.spec import Site
from scrapers.urls import canonical, same_host

_SCHEMA = """
CREATE TABLE IF NOT EXISTS pages (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  url TEXT NOT NULL,
  kind TEXT,
  redirects INTEGER NOT NULL DEFAULT 0,
  depth INTEGER NOT NULL DEFAULT 0,
  barren INTEGER NOT NULL DEFAULT 0,
  state TEXT NOT NULL,
  status INTEGER,
  why TEXT,
  stands_for TEXT,
  target TEXT,
  etag TEXT,
  modified TEXT,
  at TEXT,
  start INTEGER,
  size INTEGER,
  unchanged INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  retries INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS by_state ON pages (state, id);
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
_BATCH = 64
_KEYS_KEPT = 4096


@dataclass(frozen=True)
class Link:
    """A URL to fetch, its kind of page, how many redirects and links led to it, and how many barren pages.

    A page is barren that leads to nothing new but pages of its own kind.
    """

    id: int
    url: str
    kind: str
    redirects: int = 0
    depth: int = 0
    barren: int = 0


@dataclass(frozen=True)
class Outcome:
    """What became of a page; `start` and `size` say where in the WARC its answer is, in bytes."""

    state: str
    status: int = 0
    why: str = ""
    stands_for: str | None = None
    target: str | None = None
    etag: str = ""
    modified: str = ""
    at: str = ""
    start: int | None = None
    size: int | None = None
    unchanged: bool = False
    bytes: int = 0
    retries: int = 0


_values = attrgetter(*(each.name for each in fields(Outcome)))
_SETTLE = f"UPDATE pages SET {', '.join(f'{each.name} = ?' for each in fields(Outcome))} WHERE id = ?"  # noqa: S608


class Frontier:
    """Lets in what is of the site, of a kind in the spec, allowed by robots.txt and not seen before.

    States: queued, fetched (a browser has still to draw it), done, failed, alias (another page named it as
    its own URL), and for what is passed over: off-site, no-kind, robots, excluded, too-deep,
    barren.
    """

    def __init__(self, path: Path, site: Site, robots: Robots) -> None:
        self._site, self._robots = site, robots
        self._base = connect(path)
        self._queue: deque[Link] = deque()
        self._last = 0
        self._recent: dict[str, None] = {}
        self._settled: list[tuple[object, ...]] = []
        self.queued, self.known = self._counts()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._write()
        self._base.commit()
        self._base.close()

    def __len__(self) -> int:
        return self.queued

    def key(self, url: str) -> str:
        """The canonical URL that a page is known by here."""
        return canonical(url, drop_query=self._site.crawl.drop_query)

    def add(self, url: str, *, parent: Link | None = None, redirects: int = 0) -> str | None:
        """Queue an absolute URL, unless it is not to be fetched; its kind if it is new, else None."""
        if url in self._recent:
            return None
        if len(self._recent) >= _KEYS_KEPT:
            self._recent.clear()
        self._recent[url] = None
        depth = 0 if parent is None else parent.depth + (redirects == 0)
        kind = self._site.kind_of(url)
        state = self._verdict(url, kind, depth, parent)
        barren = 0 if parent is None or kind != parent.kind else parent.barren
        cursor = self._base.execute(
            "INSERT OR IGNORE INTO pages (key, url, kind, redirects, depth, barren, state) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (self.key(url), url, kind, redirects, depth, barren, state),
        )
        if cursor.rowcount == 0 or state != "queued":
            return None
        self.queued += 1
        self.known += 1
        return kind

    def _verdict(self, url: str, kind: str | None, depth: int, parent: Link | None) -> str:
        """`queued`, or why a URL is passed over."""
        polite = self._site.crawl
        if not same_host(url, self._site.base_url):
            return "off-site"
        if kind is None:
            return "no-kind"
        if any(re.search(pattern, url) for pattern in polite.exclude):
            return "excluded"
        if not self._robots.allows(url):
            return "robots"
        if depth > polite.max_depth:
            return "too-deep"
        if parent is not None and kind == parent.kind and parent.barren >= polite.max_barren:
            return "barren"
        return "queued"

    def state(self, url: str) -> str:
        """The state of a URL that was added."""
        row = self._base.execute("SELECT state FROM pages WHERE key = ?", (self.key(url),)).fetchone()
        return "" if row is None else str(row[0])

    def mark_seen(self, canonical_url: str) -> bool:
        """Count a page as seen without fetching it; whether it was seen before."""
        cursor = self._base.execute(
            "INSERT OR IGNORE INTO pages (key, url, state) VALUES (?, ?, 'alias')",
            (canonical_url, canonical_url),
        )
        return cursor.rowcount == 0

    def pop(self) -> Link | None:
        """The next URL to fetch, None when there is none; it stays queued on disk until it is `settle`d."""
        if not self._queue:
            self._queue.extend(self._links("state = 'queued' AND id > ?", self._last))
        if not self._queue:
            return None
        link = self._queue.popleft()
        self._last = link.id
        self.queued -= 1
        return link

    def to_render(self) -> Iterator[Link]:
        """The pages that were fetched and have still to be drawn."""
        self._write()
        last = 0
        while links := self._links("state = 'fetched' AND id > ?", last):
            yield from links
            last = links[-1].id

    def settle(self, link: Link, outcome: Outcome) -> None:
        """Say what became of a page."""
        self._settled.append((*_values(outcome), link.id))

    def rendered(self, link: Link, why: str = "") -> None:
        """A fetched page was drawn, or could not be, and why."""
        self._base.execute(
            "UPDATE pages SET state = ?, why = ? WHERE id = ?", ("failed" if why else "done", why, link.id)
        )

    def commit(self, warc_end: int) -> None:
        """Make all of it last; the WARC is `warc_end` bytes long."""
        self._write()
        remember(self._base, {"warc_end": str(warc_end)})
        self._base.commit()

    def _write(self) -> None:
        """Write what was settled, in one go."""
        self._base.executemany(_SETTLE, self._settled)
        self._settled.clear()

    @property
    def base(self) -> sqlite3.Connection:
        """The database, for reports."""
        return self._base

    def _links(self, where: str, *values: object) -> list[Link]:
        asked = f"SELECT id, url, kind, redirects, depth, barren FROM pages WHERE {where}"  # noqa: S608
        rows = self._base.execute(f"{asked} ORDER BY id LIMIT {_BATCH}", values)
        return [Link(*row) for row in rows]

    def _counts(self) -> tuple[int, int]:
        rows = dict(self._base.execute("SELECT state, COUNT(*) FROM pages GROUP BY state").fetchall())
        return rows.get("queued", 0), sum(
            rows.get(state, 0) for state in ("queued", "fetched", "done", "failed")
        )


def connect(path: Path) -> sqlite3.Connection:
    """The database of a crawl, made if it is not there."""
    base = sqlite3.connect(path, check_same_thread=False)
    base.execute("PRAGMA journal_mode = WAL")
    base.execute("PRAGMA synchronous = NORMAL")
    base.executescript(_SCHEMA)
    return base


def remember(base: sqlite3.Connection, facts: dict[str, str]) -> None:
    """Write facts about the crawl."""
    base.executemany("INSERT OR REPLACE INTO about VALUES (?, ?)", facts.items())


def recall(base: sqlite3.Connection) -> dict[str, str]:
    """The facts about the crawl."""
    return dict(base.execute("SELECT name, value FROM about").fetchall())


def host_of(url: str) -> str:
    """The host of a URL, as the report counts links to others."""
    return urlsplit(url).hostname or ""
