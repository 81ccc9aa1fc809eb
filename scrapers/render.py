"""Draws the pages that need a browser: one browser for all of them, started when the first page comes."""

from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from scrapers.browser import Browser
from scrapers.errors import BrowserError, RenderError
from scrapers.fetch import Fetcher
from scrapers.leftover import Leftover
from scrapers.spec import Rendering, Site
from scrapers.warc import PageWriter

FAILED_IN_A_ROW = 3  # then it is the spec or the browser, not the page


class Renderer:
    """A context manager that draws pages at the fetcher's pace and writes them, or takes those left over."""

    def __init__(self, site: Site, fetcher: Fetcher, writer: PageWriter, leftover: Leftover) -> None:
        self._site, self._fetcher = site, fetcher
        self._writer, self._leftover = writer, leftover
        self._browser: Browser | None = None
        self._failed, self._any_drawn = 0, False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def render(self, url: str, rendering: Rendering) -> bytes:
        """What the browser makes of a page, as HTML in UTF-8.

        Raises RenderError when it fails twice; BrowserError when no browser can be had, or the first page or
        several in a row have failed.
        """
        left = self._leftover.rendering(url)
        if left is not None:
            return left
        try:
            html = self._drawn(url, rendering)
        except RenderError as error:
            self._failed += 1
            if not self._any_drawn or self._failed >= FAILED_IN_A_ROW:
                raise BrowserError(str(error)) from error
            raise
        self._failed, self._any_drawn = 0, True
        assert self._browser is not None
        self._writer.add_rendered(url, html, self._browser.version)
        return html.encode("utf-8", "replace")

    def _drawn(self, url: str, rendering: Rendering) -> str:
        try:
            return self._draw(url, rendering)
        except RenderError:
            self._close()
        return self._draw(url, rendering)  # once more, in a fresh browser

    def _draw(self, url: str, rendering: Rendering) -> str:
        if self._browser is None:
            browser = Browser(user_agent=self._site.crawl.user_agent, hosts=allowed_hosts(self._site))
            self._browser = browser.__enter__()
        self._fetcher.pace()
        return self._browser.render(
            url, wait_for=rendering.wait_for, scroll=rendering.scroll, timeout_s=rendering.timeout_s
        )

    def _close(self) -> None:
        if self._browser is not None:
            self._browser.close()
            self._browser = None


def allowed_hosts(site: Site) -> list[str]:
    """The hosts that a site's pages may load from: its own and those that its spec names."""
    named = [host for kind in site.pages.values() if kind.browser for host in kind.browser.allow_hosts]
    return [urlsplit(site.base_url).hostname or "", *named]
