"""The frontier of a crawl: URLs found and not yet fetched, each page once, breadth first."""

from collections import deque
from dataclasses import dataclass
from urllib.parse import urlsplit

from scrapers.report import CrawlReport
from scrapers.robots import Robots
from scrapers.spec import Site
from scrapers.urls import canonical, same_host


@dataclass(frozen=True)
class Link:
    """A URL to fetch, its kind of page, and how many redirects led to it."""

    url: str
    kind: str
    redirects: int = 0


class Frontier:
    """Lets in what is of the site, of a kind in the spec, allowed by robots.txt and not seen before."""

    def __init__(self, site: Site, robots: Robots, report: CrawlReport) -> None:
        self._site, self._robots, self._report = site, robots, report
        self._queue: deque[Link] = deque()
        self._seen: set[str] = set()
        self._passed_over: set[str] = set()

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def known(self) -> int:
        """How many pages were let in so far."""
        return len(self._seen)

    def key(self, url: str) -> str:
        """The canonical URL that a page is known by here."""
        return canonical(url, drop_query=self._site.crawl.drop_query)

    def add(self, url: str, *, redirects: int = 0) -> None:
        """Queue an absolute URL, unless it is not to be fetched; the report says why not."""
        key = self.key(url)
        if key in self._seen or key in self._passed_over:
            return
        kind = self._site.kind_of(url)
        if not same_host(url, self._site.base_url):
            host = urlsplit(url).hostname or ""
            self._report.off_site[host] = self._report.off_site.get(host, 0) + 1
        elif kind is None:
            self._report.of_no_kind += 1
        elif not self._robots.allows(url):
            self._report.robots_refused.append(url)
        else:
            self._seen.add(key)
            self._queue.append(Link(url, kind, redirects))
            return
        self._passed_over.add(key)

    def mark_seen(self, canonical_url: str) -> bool:
        """Count a page as seen without fetching it; whether it was seen before."""
        before = canonical_url in self._seen
        self._seen.add(canonical_url)
        return before

    def pop(self) -> Link:
        """The next URL to fetch."""
        return self._queue.popleft()
