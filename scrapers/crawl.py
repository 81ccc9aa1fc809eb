"""Crawls a site by its spec into a WARC file: each page once, going on where a killed crawl stopped."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from urllib.parse import urljoin

from scrapers.browser_paths import find_browser, managed_browser
from scrapers.checks import check_whole
from scrapers.crawl_run import Run
from scrapers.crew import Crew
from scrapers.errors import LostPagesError, RobotsError, SiteDownError
from scrapers.fetch import Fetcher
from scrapers.frontier import Frontier
from scrapers.login import Login
from scrapers.pace import Pace
from scrapers.partial import REPORT_NAME, WARC_NAME, Partial, about
from scrapers.previous import Previous
from scrapers.progress import bar
from scrapers.render import Renderer
from scrapers.report import CrawlReport, read_report
from scrapers.robots import Robots, read_robots
from scrapers.server import running
from scrapers.spec import ROBOTS_PATH, Site
from scrapers.verdict import Judge
from scrapers.warc import PageWriter
from scrapers.warc_records import pack_exchange

__all__ = ["REPORT_NAME", "WARC_NAME", "crawl", "fetcher_of"]


def crawl(
    site: Site,
    folder: Path,
    *,
    progress: bool = True,
    since: datetime | None = None,
    begun: Callable[[Path], object] | None = None,
) -> CrawlReport:
    """Crawl the site into `folder`: pages.warc.gz, crawl.sqlite and crawl.json, all when the crawl is whole.

    While it runs, these have names that end in .partial; a crawl that was interrupted or failed goes on from
    there. Pages that a finished crawl in the folder has are asked for only if they have changed, and those
    it had at `since` or later not at all. `begun` is called with the WARC's path before anything is added.

    Raises SiteDownError, RobotsError, PortTakenError, ServerError, BrowserError; LostPagesError when a
    page that leads to others, a kind of page, or too many pages could not be had (the report is then in
    crawl.json.partial). A dead link fails nothing.
    """
    started = time.monotonic()
    if any(kind.browser for kind in site.pages.values()) and find_browser() is None:
        managed_browser()
    with ExitStack() as stack:
        partial = stack.enter_context(Partial(folder, site))
        stack.enter_context(running(site))
        fetcher = stack.enter_context(fetcher_of(site))
        writer = stack.enter_context(PageWriter(partial.warc, about(site)))
        if begun is not None:
            begun(partial.warc)
        robots = _robots(site, fetcher, writer)
        frontier = stack.enter_context(Frontier(partial.frontier, site, robots))
        previous = stack.enter_context(Previous(folder))
        renderer = stack.enter_context(Renderer(site, fetcher, partial))
        counted = stack.enter_context(bar("crawl", "page", shown=progress))
        judge = Judge(site)
        crew = stack.enter_context(Crew(fetcher, site.crawl.concurrency, judge))
        pace = Pace(most=site.crawl.concurrency, delay_s=fetcher.delay_s)
        login = None if site.login is None else Login(site, site.login, fetcher)
        run = Run(
            site, fetcher, writer, partial, frontier, previous, crew, pace, judge, login, counted, since
        )
        run.fetch_and_render(renderer)
        frontier.commit(writer.size)
        report = read_report(site, frontier.base, run.tally, previous.gone(frontier.base))
    report.seconds = round(time.monotonic() - started, 3)
    _finish(site, folder, partial, report)
    return report


def _finish(site: Site, folder: Path, partial: Partial, report: CrawlReport) -> None:
    """Put the crawl in its place, if nothing that was demanded is missing. Raises LostPagesError."""
    draft = folder / f"{REPORT_NAME}.partial"
    draft.write_text(report.to_json(), encoding="utf-8")
    try:
        check_whole(site, report)
    except LostPagesError as error:
        raise LostPagesError(f"{error} (all of them are named in {draft})") from None
    partial.finish(folder)
    draft.replace(folder / REPORT_NAME)


def fetcher_of(site: Site) -> Fetcher:
    """A fetcher that behaves as the spec says."""
    polite = site.crawl
    return Fetcher(
        site.base_url,
        user_agent=polite.user_agent,
        delay_s=polite.delay_s,
        timeout_s=polite.timeout_s,
        total_timeout_s=polite.total_timeout_s,
        retries=polite.retries,
        backoff_s=polite.backoff_s,
        max_bytes=polite.max_bytes,
        connections=polite.concurrency,
        headers=polite.headers,
        cookies=polite.cookies,
    )


def _robots(site: Site, fetcher: Fetcher, writer: PageWriter) -> Robots:
    """Read robots.txt and slow down to what it asks for."""
    fetched = fetcher.follow(urljoin(site.base_url, ROBOTS_PATH))
    if not fetched.status:
        raise SiteDownError(
            f"{site.base_url}: expected an answer, got none ({fetched.error}): is the site up?"
        )
    writer.append(pack_exchange(fetched).data)
    robots = read_robots(fetched.status, fetched.content, site.crawl.user_agent)
    if robots.rules is None:
        raise RobotsError(
            f"{fetched.url}: answers {fetched.error}, so nothing may be fetched: try again later"
        )
    fetcher.delay_s = max(site.crawl.delay_s, robots.delay_s)
    return robots
