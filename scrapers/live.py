"""One page of a site, fetched now and read: what a service needs that answers for a pasted URL."""

import threading
from pathlib import Path
from urllib.parse import urljoin

from scrapers.crawl import fetcher_of
from scrapers.errors import ScrapeError
from scrapers.extract import KindReader
from scrapers.login import Login
from scrapers.page import Page
from scrapers.records import Record, read_page
from scrapers.robots import Robots, read_robots
from scrapers.spec import ROBOTS_PATH, load_site
from scrapers.urls import same_host
from scrapers.verdict import Judge


class LivePages:
    """Reads pages of a site by its spec, with its politeness; may be used from several threads.

    robots.txt is read before the first page. Pages that need a browser are not read. Raises SpecError.
    """

    def __init__(self, spec: Path) -> None:
        self.site = load_site(spec)
        self._fetcher = fetcher_of(self.site)
        self._judge = Judge(self.site)
        self._readers = {
            name: KindReader(kind)
            for name, kind in self.site.pages.items()
            if kind.fields and kind.browser is None
        }
        self._lock = threading.Lock()
        self._robots: Robots | None = None

    def read(self, url: str) -> list[Record]:
        """The records of a page. Raises ScrapeError: none of this site with records, or it cannot be had."""
        kind = self._kind(url)
        if not self._ready().allows(url):
            raise ScrapeError(f"{url}: robots.txt of {self.site.base_url} refuses it")
        fetched = self._judge.judge(self._fetcher.follow(url))
        if fetched.error or fetched.location:
            why = fetched.error or f"a redirect to {fetched.location}"
            raise ScrapeError(f"{url}: expected a page, got {why}")
        page = Page(fetched.url, fetched.content, fetched.header("content-type"), self.site.html5)
        found = read_page(page, self._kind(fetched.url) or kind, self._readers[kind], self.site)
        self._check(found.records, kind, url)
        return found.records

    def close(self) -> None:
        """Close the connections."""
        self._fetcher.__exit__(None, None, None)

    def _kind(self, url: str) -> str:
        kind = self.site.kind_of(url) if same_host(url, self.site.base_url) else None
        if kind is None or kind not in self._readers:
            raise ScrapeError(
                f"{url[:200]}: expected the URL of a page with records at {self.site.base_url} "
                f"({', '.join(self._readers)}), as the spec of {self.site.name!r} has them"
            )
        return kind

    def _ready(self) -> Robots:
        """The site's rules; with the first page they are read, and the login made."""
        with self._lock:
            if self._robots is None:
                fetched = self._fetcher.follow(urljoin(self.site.base_url, ROBOTS_PATH))
                if not fetched.status:
                    raise ScrapeError(f"{self.site.base_url}: expected an answer, got none ({fetched.error})")
                robots = read_robots(fetched.status, fetched.content, self.site.crawl.user_agent)
                if robots.rules is None:
                    raise ScrapeError(f"{fetched.url}: answers {fetched.error}, so nothing may be fetched")
                self._fetcher.delay_s = max(self.site.crawl.delay_s, robots.delay_s)
                if self.site.login is not None:
                    Login(self.site, self.site.login, self._fetcher).enter()
                self._robots = robots
            return self._robots

    def _check(self, records: list[Record], kind: str, url: str) -> None:
        """Refuse a page without what the spec requires: it is of another kind, or the site has changed."""
        fields = self.site.pages[kind].fields
        required = [name for name, field in fields.items() if field.required]
        missing = [name for name in required if not records or any(each[name] is None for each in records)]
        if not records or missing:
            what = f"{missing[0]!r} ({fields[missing[0]]})" if missing else "a record"
            raise ScrapeError(
                f"{url}: expected {what} on this page, found none: is it a page of kind {kind!r}?"
            )
