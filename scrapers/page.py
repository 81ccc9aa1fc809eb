"""One page to read: its text, lxml's tree and its index, BeautifulSoup's tree, each made when asked for."""

import re
from dataclasses import dataclass
from functools import cached_property

from bs4 import BeautifulSoup
from lxml import etree
from w3lib.encoding import html_to_unicode, read_bom

from scrapers.css import Index
from scrapers.html5 import html5_tree
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
    `html5`: the tree is a browser's own, which differs where tags are missing or stray, and takes longer.
    """

    url: str
    content: bytes
    content_type: str = "text/html"
    html5: bool = False

    @cached_property
    def text(self) -> str:
        """The HTML as text."""
        return _decoded(self.content, self.content_type)

    @cached_property
    def soup(self) -> BeautifulSoup:
        """BeautifulSoup's tree, for CSS that is not read on lxml's."""
        if self.html5:
            # Of the standard's tree, so that both languages see the same; this parser moves nothing.
            html = etree.tostring(self.tree, encoding="unicode", method="html")
            return BeautifulSoup(html, "html.parser", multi_valued_attributes=None)
        # Selectors read a class attribute as text as well as split, and splitting every one costs time.
        return BeautifulSoup(_surely_html(self.text), "lxml", multi_valued_attributes=None)

    @cached_property
    def tree(self) -> etree._Element:
        """lxml's tree: comments left out, what is nested deeper than 2,048 elements too."""
        return html5_tree(self.text) if self.html5 else _tree(self.text)

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
        lowered = head.lower()
        if b"canonical" not in lowered or not _CANONICAL_HINT.search(head):
            return None
        end = lowered.find(b"</head")
        text = _decoded(head[: end if end > 0 else None], self.content_type)
        href = str(
            _tree(text).xpath("string(//link[translate(@rel, 'CANOIL', 'canoil') = 'canonical']/@href)")
        )
        return absolute(href, self.url) if href else None


def _decoded(content: bytes, content_type: str) -> str:
    name, text = html_to_unicode(content_type, content, auto_detect_fun=_guess, default_encoding="utf-8")
    if name.startswith("utf-16") and "charset" not in content_type.lower() and read_bom(content)[0] is None:
        # A meta element that could be read says so of itself that the page is not in UTF-16.
        return content.decode("utf-8", "replace")
    return text


def _guess(content: bytes) -> str:
    """The character set of a page that names none: UTF-8 if it is that, else what Western browsers take."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        # A character cut in two at the very end is still UTF-8.
        return (
            "utf-8"
            if error.start >= len(content) - 3 and error.reason == "unexpected end of data"
            else "cp1252"
        )
    return "utf-8"


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
