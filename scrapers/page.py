"""One page to read: its text, lxml's tree and its index, BeautifulSoup's tree, each made when asked for."""

import re
from dataclasses import dataclass
from functools import cached_property

from bs4 import BeautifulSoup
from lxml import etree
from w3lib.encoding import html_to_unicode

from scrapers.css import Index
from scrapers.urls import absolute

_CANONICAL_HINT = re.compile(rb"rel\s*=\s*[\"']?canonical", re.IGNORECASE)
_XML_DECLARATION = re.compile(r"\A(?:\s*<\?xml[^>]*>?)+", re.IGNORECASE)
_HEAD_BYTES = 64 * 1024
_EMPTY = b"<html><body></body></html>"
_PARSER = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)


@dataclass(frozen=True)
class Page:
    """A page's HTML as bytes (content-decoded), with the Content-Type it came under.

    The character set is that of a BOM, the header, the page's own meta element, or a guess, in this order.
    """

    url: str
    content: bytes
    content_type: str = "text/html"

    @cached_property
    def text(self) -> str:
        """The HTML as text."""
        _, text = html_to_unicode(self.content_type, self.content, default_encoding="utf-8")
        return text

    @cached_property
    def soup(self) -> BeautifulSoup:
        """BeautifulSoup's tree, for CSS that is not read on lxml's."""
        # Selectors read a class attribute as text as well as split, and splitting every one costs time.
        return BeautifulSoup(_surely_html(self.text), "lxml", multi_valued_attributes=None)

    @cached_property
    def tree(self) -> etree._Element:
        """lxml's tree: comments left out, what is nested deeper than 2,048 elements too."""
        return _tree(self.text)

    @cached_property
    def index(self) -> Index:
        """The elements of `tree` by id, class and name."""
        return Index(self.tree)

    @cached_property
    def is_plain(self) -> bool:
        """Whether CSS means the same on `tree` as on `soup`: templates and frames have rules of their own."""
        found = self.content.lower()
        return b"<template" not in found and b"<iframe" not in found

    @cached_property
    def base_url(self) -> str:
        """What the page's links are relative to."""
        href = str(self.tree.xpath("string(//base/@href)")) if b"<base" in self.content.lower() else ""
        return absolute(href, self.url) or self.url

    def canonical_link(self) -> str | None:
        """The absolute URL of the page's rel=canonical link, or None."""
        head = self.content[:_HEAD_BYTES]
        if not _CANONICAL_HINT.search(head):
            return None
        end = head.lower().find(b"</head")
        _, text = html_to_unicode(
            self.content_type, head[: end if end > 0 else None], default_encoding="utf-8"
        )
        href = str(
            _tree(text).xpath("string(//link[translate(@rel, 'CANOIL', 'canoil') = 'canonical']/@href)")
        )
        return absolute(href, self.url) if href else None


def _surely_html(text: str) -> str:
    """The text without what makes BeautifulSoup warn that it may be XML, a file name or a URL."""
    return _XML_DECLARATION.sub("", text) if "<" in text else f"<html><body>{text}"


def _tree(text: str) -> etree._Element:
    root = etree.fromstring(text.encode("utf-8", "replace") or _EMPTY, _PARSER)
    if root is None:
        return etree.fromstring(_EMPTY, _PARSER)
    stray = root.getnext()
    while stray is not None:
        following = stray.getnext()
        _adopt(root, stray)
        stray = following
    return root


def _adopt(root: etree._Element, stray: etree._Element) -> None:
    """Put what stands after </html> at the end of the body, as browsers do."""
    home = root.find("body")
    home = root if home is None else home
    inner = stray.find("body") if stray.tag == "html" else None
    holder = inner if inner is not None else stray
    if stray.tag != "html":
        home.append(stray)
        return
    if holder.text:
        last = home[-1] if len(home) else None
        if last is None:
            home.text = (home.text or "") + holder.text
        else:
            last.tail = (last.tail or "") + holder.text
    home.extend(list(holder))
