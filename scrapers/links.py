"""A page's links: those that its kind names, and the one by which the page says which URL it stands for."""

import re
from collections.abc import Sequence

from scrapers.extract import select, text_of
from scrapers.page import Page
from scrapers.spec import PageKind, Site
from scrapers.urls import absolute, canonical, same_host

_HEAD_BYTES = 8192
_REFRESH_HINT = re.compile(rb"http-equiv\s*=\s*[\"']?refresh", re.IGNORECASE)
_REFRESH = re.compile(r"\s*(\d+(?:\.\d*)?)\s*[;,]\s*url\s*=\s*(.+)", re.IGNORECASE)
_AT_ONCE_S = 10.0


def links(page: Page, kind: PageKind, *, drop_query: Sequence[str]) -> list[str]:
    """The absolute http(s) URLs that the kind's `follow` selectors match, in page order, each once.

    A selector may match elements with an href, or (XPath) the href itself.
    """
    hrefs = (text_of(match, "href") for selector in kind.follow for match in select(page, selector))
    found = (absolute(href, page.base_url, drop_query=drop_query) for href in hrefs if href)
    return list(dict.fromkeys(url for url in found if url is not None))


def refresh_target(page: Page) -> str | None:
    """Where a page sends its reader at once by a meta refresh, as an absolute URL; None when it does not."""
    head = page.content[:_HEAD_BYTES]
    if _REFRESH_HINT.search(head) is None:
        return None
    for meta in page.tree.iter("meta"):
        found = (
            _REFRESH.match(meta.get("content") or "")
            if (meta.get("http-equiv") or "").lower() == "refresh"
            else None
        )
        if found is not None and float(found[1]) <= _AT_ONCE_S:
            return absolute(found[2].strip("'\" "), page.base_url)
    return None


def identity(page: Page, site: Site) -> str:
    """The canonical URL that a page counts as: its rel=canonical where of the same kind, else its own.

    A link to another host or to another kind of page is a mistake of the site, not another name of this page.
    """
    link = page.canonical_link()
    if link is None or not same_host(link, site.base_url) or site.kind_of(link) != site.kind_of(page.url):
        link = page.url
    return canonical(link, drop_query=site.crawl.drop_query)
