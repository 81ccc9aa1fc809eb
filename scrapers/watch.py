"""A page read again and again while its spec is edited."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from scrapers.errors import ScrapeError
from scrapers.page import Page
from scrapers.probe import fetch_page, read_probe
from scrapers.spec import PageKind, Site, load_site

_POLL_S = 0.3


def watch(url: str, path: Path, *, wait: Callable[[float], None] = time.sleep) -> Iterator[str]:
    """What the page yields as text, then again whenever the spec's file has changed; without end.

    The page is fetched once, and again only when the spec changes how it is to be had. What is wrong with
    the spec is a text like any other, so that the next edit may mend it.
    """
    page: Page | None = None
    fetched_as: tuple[object, ...] = ()
    last: bytes | None = None
    while True:
        now = _content(path)
        if now != last:
            last = now
            try:
                site = load_site(path)
                how = _how(site, site.pages.get(site.kind_of(url) or ""))
                if page is None or how != fetched_as:
                    page, fetched_as = fetch_page(url, site), how
                yield read_probe(page, site).format()
            except ScrapeError as error:
                yield f"error: {error}"
        wait(_POLL_S)


def _how(site: Site, kind: PageKind | None) -> tuple[object, ...]:
    """What of a spec decides how a page is had."""
    return site.base_url, site.html, site.login, site.server, kind and kind.browser


def _content(path: Path) -> bytes:
    """The spec as it stands; empty while it is not there, as when an editor replaces it."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
