"""Draws the pages that need a browser: a few browsers side by side, started when the first page comes."""

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from scrapers import progress
from scrapers.errors import BrowserError, RenderError
from scrapers.fetch import Fetcher
from scrapers.frontier import Link
from scrapers.partial import Partial
from scrapers.spec import Site
from scrapers.warc import PageWriter
from scrapers.warc_records import pack_rendered

if TYPE_CHECKING:
    from scrapers.browser import Browser

FAILED_IN_A_ROW = 3  # then it is the spec or the browser, not the page
PAGES_A_BROWSER = 200  # then a fresh one: scripts leak
Drawn = tuple[str, str]  # HTML, and the browser's name and version


class Renderer:
    """A context manager that draws pages at the fetcher's pace and writes them, or takes those left over."""

    def __init__(self, site: Site, fetcher: Fetcher, partial: Partial) -> None:
        self._site, self._fetcher, self._partial = site, fetcher, partial
        self._own = threading.local()
        self._browsers: set[Browser] = set()
        self._pool = ThreadPoolExecutor(site.crawl.browsers, "browser")
        self._failed, self._any_drawn = 0, False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # What is under way ends with its browser; a page that nobody waits for any more is not begun.
        self._pool.shutdown(wait=error is None, cancel_futures=True)
        for browser in list(self._browsers):
            browser.close()
        self._pool.shutdown(cancel_futures=True)

    def render_all(
        self, links: Iterable[Link], writer: PageWriter, bar: Any
    ) -> Iterator[tuple[Link, bytes | RenderError]]:
        """What the browsers make of pages, as HTML in UTF-8, in the order in which they are done.

        A page that fails twice gives its RenderError. Raises BrowserError when no browser can be had, or the
        first page or several in a row have failed.
        """
        waiting, coming = iter(links), dict[Future[Drawn], Link]()
        link = next(waiting, None)
        if link is None:
            return
        with progress.bar("render", "page", shown=not bar.disable) as drawing:
            while link is not None or coming:
                if link is not None and len(coming) < self._site.crawl.browsers:
                    left = self._partial.rendering(link.url)
                    if left is not None:
                        yield link, left
                    else:
                        coming[self._pool.submit(self._drawn, link)] = link
                    link = next(waiting, None)
                    continue
                for done in wait(coming, return_when=FIRST_COMPLETED).done:
                    drawing.update()
                    drawn = coming.pop(done)
                    yield drawn, self._outcome(drawn, done, writer)

    def _outcome(self, link: Link, done: Future[Drawn], writer: PageWriter) -> bytes | RenderError:
        try:
            html, version = done.result()
        except RenderError as error:
            self._failed += 1
            if not self._any_drawn or self._failed >= FAILED_IN_A_ROW:
                raise BrowserError(str(error)) from error
            return error
        self._failed, self._any_drawn = 0, True
        writer.append(pack_rendered(link.url, html, version))
        return html.encode("utf-8", "replace")

    def _drawn(self, link: Link) -> Drawn:
        try:
            return self._draw(link)
        except RenderError:
            self._end_own()
        return self._draw(link)  # once more, in a fresh browser

    def _draw(self, link: Link) -> Drawn:
        rendering = self._site.pages[link.kind].browser
        assert rendering is not None
        browser = self._browser()
        self._fetcher.pace()
        html = browser.render(
            link.url,
            wait_for=rendering.wait_for,
            scroll=rendering.scroll,
            click=rendering.click,
            timeout_s=rendering.timeout_s,
        )
        return html, browser.version

    def _browser(self) -> "Browser":
        """The calling thread's browser."""
        browser: Browser | None = getattr(self._own, "browser", None)
        if browser is not None and self._own.pages < PAGES_A_BROWSER:
            self._own.pages += 1
            return browser
        self._end_own()
        fresh = _new_browser(user_agent=self._site.crawl.user_agent, hosts=allowed_hosts(self._site))
        self._browsers.add(fresh)
        self._own.browser, self._own.pages = fresh.__enter__(), 1
        return fresh

    def _end_own(self) -> None:
        browser: Browser | None = getattr(self._own, "browser", None)
        if browser is not None:
            browser.close()
            self._browsers.discard(browser)
            self._own.browser = None


def _new_browser(user_agent: str, hosts: list[str]) -> "Browser":
    from scrapers.browser import Browser  # selenium is heavy, and seldom needed

    return Browser(user_agent=user_agent, hosts=hosts)


def allowed_hosts(site: Site) -> list[str]:
    """The hosts that a site's pages may load from: its own and those that its spec names."""
    named = [host for kind in site.pages.values() if kind.browser for host in kind.browser.allow_hosts]
    return [urlsplit(site.base_url).hostname or "", *named]
