"""A page's links: those that its kind names, and the one by which the page says which URL it stands for."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import jmespath

from scrapers.extract import select, text_of
from scrapers.page import Page
from scrapers.sitemap import locations
from scrapers.spec import PageKind, Site
from scrapers.spec_fields import Follow
from scrapers.urls import absolute, canonical, same_host

_HEAD_BYTES = 8192
_REFRESH_HINT = re.compile(rb"http-equiv\s*=\s*[\"']?refresh", re.IGNORECASE)
_REFRESH = re.compile(r"\s*(\d+(?:\.\d*)?)\s*[;,]\s*url\s*=\s*(.+)", re.IGNORECASE)
_AT_ONCE_S = 10.0


def links(page: Page, kind: PageKind, *, drop_query: Sequence[str]) -> list[str]:
    """The absolute http(s) URLs that the kind's `follow` finds, in page order, each once.

    Not those of `next_page`, which depend on what else was found.
    """
    hrefs = (href for follow in kind.follow for href in _hrefs(page, follow))
    found = (absolute(href, page.base_url, drop_query=drop_query) for href in hrefs if href)
    return list(dict.fromkeys(url for url in found if url is not None))


def _hrefs(page: Page, follow: Follow) -> Iterator[str | None]:
    """What one way to follow finds, as it stands on the page."""
    if follow.sitemap:
        yield from locations(page.content)
        return
    if follow.json_path is not None:
        texts: Iterable[str | None] = _json_texts(page, follow.json_path)
    elif follow.next_page is None:
        texts = (text_of(match, None if follow.into else "href") for match in select(page, follow))
    else:
        return
    for text in texts:
        yield follow.into.replace("{}", quote(text.strip(), safe="")) if text and follow.into else text


def _json_texts(page: Page, path: str) -> list[str]:
    """The texts and numbers that a JMESPath finds on a page of JSON; none on any other page."""
    try:
        found = jmespath.search(path, json.loads(page.text))
    except ValueError:
        return []
    several = found if isinstance(found, list) else [found]
    return [
        str(each) for each in several if isinstance(each, str | int | float) and not isinstance(each, bool)
    ]


def next_pages(url: str, kind: PageKind) -> list[str]:
    """The URL with each `next_page` of the kind counted up by one; a URL without the key is page 1."""
    keys = [follow.next_page for follow in kind.follow if follow.next_page is not None]
    return [_counted_up(url, key) for key in keys]


def _counted_up(url: str, key: str) -> str:
    parts = urlsplit(url)
    pairs = dict(parse_qsl(parts.query, keep_blank_values=True))
    number = pairs.get(key, "1")
    pairs[key] = str(int(number) + 1 if number.isdecimal() else 2)
    return urlunsplit(parts._replace(query=urlencode(pairs)))


def refresh_target(page: Page) -> str | None:
    """Where a page sends its reader at once by a meta refresh, as an absolute URL; None when it does not."""
    head = page.content[:_HEAD_BYTES]
    if b"refresh" not in head.lower() or _REFRESH_HINT.search(head) is None:
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
