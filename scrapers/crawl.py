"""Crawls a site by its spec into a WARC file: each page once, going on where a killed crawl stopped."""

import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from tqdm import tqdm

from scrapers.browser_paths import find_browser, managed_browser
from scrapers.checks import check_whole
from scrapers.errors import RenderError, RobotsError, SiteDownError
from scrapers.fetch import Fetched, Fetcher
from scrapers.frontier import Frontier, Link
from scrapers.leftover import Leftover, about
from scrapers.links import identity, links
from scrapers.page import Page
from scrapers.render import Renderer
from scrapers.report import CrawlReport, Failure
from scrapers.robots import Robots, read_robots
from scrapers.server import running
from scrapers.spec import ROBOTS_PATH, Site
from scrapers.urls import absolute
from scrapers.warc import PageWriter

WARC_NAME, REPORT_NAME = "pages.warc.gz", "crawl.json"
MAX_REDIRECTS = 10
UNANSWERED_IN_A_ROW = 10  # then the site is down, whatever single pages are


def crawl(site: Site, folder: Path, *, progress: bool = True) -> CrawlReport:
    """Crawl the site and write `folder`/pages.warc.gz and crawl.json, both only when the crawl is whole.

    While it runs, the pages are in pages.warc.gz.partial; a crawl that was interrupted or failed goes on from
    there. Raises SiteDownError, RobotsError, PortTakenError, ServerError, BrowserError; LostPagesError when a
    page that leads to others, a kind of page, or too many pages could not be had. A dead link fails nothing.
    """
    started = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{WARC_NAME}.partial"
    if any(kind.browser for kind in site.pages.values()) and find_browser() is None:
        managed_browser()
    report = CrawlReport(site.name)
    with ExitStack() as stack:
        stack.enter_context(running(site))
        leftover = stack.enter_context(Leftover(partial, site))
        fetcher = stack.enter_context(fetcher_of(site))
        writer = stack.enter_context(PageWriter(partial, about(site)))
        frontier = Frontier(site, _robots(site, fetcher, writer), report)
        renderer = stack.enter_context(Renderer(site, fetcher, writer, leftover))
        bar = stack.enter_context(tqdm(desc="crawl", unit="page", disable=not progress, leave=False))
        run = _Run(site, fetcher, writer, leftover, frontier, report, bar)
        run.fetch_and_render(renderer)
    report.sort()
    check_whole(site, report)
    report.seconds = round(time.monotonic() - started, 3)
    _finish(folder, partial, report)
    return report


def fetcher_of(site: Site) -> Fetcher:
    """A fetcher that behaves as the spec says."""
    polite = site.crawl
    return Fetcher(
        site.base_url,
        user_agent=polite.user_agent,
        delay_s=polite.delay_s,
        timeout_s=polite.timeout_s,
        retries=polite.retries,
        backoff_s=polite.backoff_s,
        max_bytes=polite.max_bytes,
        connections=polite.concurrency,
    )


class _Run:
    """One crawl under way."""

    def __init__(
        self,
        site: Site,
        fetcher: Fetcher,
        writer: PageWriter,
        leftover: Leftover,
        frontier: Frontier,
        report: CrawlReport,
        bar: Any,
    ) -> None:
        self._site, self._fetcher, self._writer = site, fetcher, writer
        self._leftover, self._frontier, self._report, self._bar = leftover, frontier, report, bar
        self._to_render: list[Link] = []
        self._fetched, self._unanswered = 0, 0

    def fetch_and_render(self, renderer: Renderer) -> None:
        """Go on until no page is left to fetch or to draw."""
        for url in self._site.start_urls:
            self._frontier.add(url)
        if self._report.robots_refused:
            refused = self._report.robots_refused[0]
            raise RobotsError(f"{refused}: expected to fetch the start page, robots.txt refuses it")
        while self._may_fetch() or self._to_render:
            self._fetch_all()
            self._render_all(renderer)
        self._report.left = len(self._frontier)

    def _may_fetch(self) -> bool:
        return len(self._frontier) > 0 and self._fetched < self._site.crawl.max_pages

    def _fetch_all(self) -> None:
        coming: dict[Future[Fetched], Link] = {}
        with ThreadPoolExecutor(self._site.crawl.concurrency) as pool:
            try:
                while self._may_fetch() or coming:
                    while self._may_fetch() and len(coming) < 2 * self._site.crawl.concurrency:
                        self._start(self._frontier.pop(), pool, coming)
                    for done in wait(coming, return_when=FIRST_COMPLETED).done:
                        self._arrived(coming.pop(done), done.result())
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _start(self, link: Link, pool: ThreadPoolExecutor, coming: dict[Future[Fetched], Link]) -> None:
        self._fetched += 1
        left = self._leftover.answer(link.url)
        if left is None:
            coming[pool.submit(self._fetcher.get, link.url)] = link
        else:
            self._report.resumed += 1
            self._read(link, left)

    def _arrived(self, link: Link, fetched: Fetched) -> None:
        self._report.retries += fetched.retries
        self._report.bytes += len(fetched.body)
        if fetched.status:
            self._writer.add(fetched)
        self._unanswered = 0 if fetched.status else self._unanswered + 1
        if self._unanswered >= UNANSWERED_IN_A_ROW:
            raise SiteDownError(
                f"{link.url}: expected an answer, got none to {self._unanswered} pages in a row "
                f"({fetched.error}): run again when the site is up; the crawl goes on from here"
            )
        self._read(link, fetched)

    def _read(self, link: Link, fetched: Fetched) -> None:
        self._report.count(link.kind, fetched.status)
        self._bar.total = self._frontier.known
        self._bar.update()
        if fetched.error:
            self._failed(link, fetched.status, fetched.error)
        elif fetched.location:
            self._redirected(link, fetched.location)
        elif 200 <= fetched.status < 300:
            self._read_page(link, Page(link.url, fetched.content, fetched.header("content-type")))

    def _read_page(self, link: Link, page: Page) -> None:
        stands_for = identity(page, self._site)
        seen = False
        if stands_for != self._frontier.key(link.url):
            self._report.duplicates[link.url] = stands_for
            seen = self._frontier.mark_seen(stands_for)
        if self._site.pages[link.kind].browser is None:
            # Also those of a duplicate: sites name page 1 as the canonical one of all pages of a list.
            self._follow(page, link.kind)
        elif not seen:
            self._to_render.append(link)

    def _follow(self, page: Page, kind: str) -> None:
        for url in links(page, self._site.pages[kind], drop_query=self._site.crawl.drop_query):
            self._frontier.add(url)

    def _redirected(self, link: Link, location: str) -> None:
        self._report.redirects += 1
        target = absolute(location, link.url, drop_query=self._site.crawl.drop_query)
        if target is None:
            self._failed(link, 0, f"redirected to {location!r:.200}")
        elif link.redirects >= MAX_REDIRECTS:
            self._failed(link, 0, f"over {MAX_REDIRECTS} redirects")
        else:
            self._frontier.add(target, redirects=link.redirects + 1)

    def _render_all(self, renderer: Renderer) -> None:
        waiting, self._to_render = self._to_render, []
        quiet = self._bar.disable or not waiting
        for link in tqdm(waiting, desc="render", unit="page", disable=quiet, leave=False):
            rendering = self._site.pages[link.kind].browser
            assert rendering is not None
            try:
                html = renderer.render(link.url, rendering)
            except RenderError as error:
                self._failed(link, 0, str(error))
            else:
                self._report.rendered += 1
                self._follow(Page(link.url, html, "text/html; charset=utf-8"), link.kind)

    def _failed(self, link: Link, status: int, reason: str) -> None:
        if link.url in self._site.start_urls:
            raise SiteDownError(
                f"{link.url}: expected the start page, got {reason}: is the site up, are its URLs right?"
            )
        self._report.errors.append(Failure(link.url, link.kind, status, reason))


def _robots(site: Site, fetcher: Fetcher, writer: PageWriter) -> Robots:
    """Read robots.txt and slow down to what it asks for."""
    fetched = fetcher.follow(urljoin(site.base_url, ROBOTS_PATH))
    if not fetched.status:
        raise SiteDownError(
            f"{site.base_url}: expected an answer, got none ({fetched.error}): is the site up?"
        )
    writer.add(fetched)
    robots = read_robots(fetched.status, fetched.content, site.crawl.user_agent)
    if robots.rules is None:
        raise RobotsError(
            f"{fetched.url}: answers {fetched.error}, so nothing may be fetched: try again later"
        )
    fetcher.delay_s = max(site.crawl.delay_s, robots.delay_s)
    return robots


def _finish(folder: Path, partial: Path, report: CrawlReport) -> None:
    """Put the whole crawl in the place of the one before."""
    draft = folder / f"{REPORT_NAME}.partial"
    draft.write_text(report.to_json(), encoding="utf-8")
    partial.replace(folder / WARC_NAME)
    draft.replace(folder / REPORT_NAME)
