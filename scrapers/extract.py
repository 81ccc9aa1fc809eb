"""One page to raw texts: CSS, XPath, labels, JSON; BeautifulSoup where only that will do."""

import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import urlsplit

import jmespath
import soupsieve
from bs4 import BeautifulSoup, Tag
from lxml import etree

from scrapers import json_data
from scrapers.css import Css, Index, compile_css
from scrapers.fields import decimal_mark
from scrapers.labels import label_table, plain_label
from scrapers.page import Page
from scrapers.spec import PageKind
from scrapers.spec_fields import Field, Rows, Selector, Way
from scrapers.texts import text_of
from scrapers.xpath import Find, compile_xpath

__all__ = [
    "Finder",
    "KindReader",
    "RawRecord",
    "Scope",
    "compiled_css",
    "engine",
    "scopes_of",
    "select",
    "text_of",
]

RawRecord = dict[str, str | None]
_ROW_ITSELF = ":scope"


@dataclass(frozen=True)
class Scope:
    """What a record's selectors look into: a whole page, or one row of it, as an element of either tree."""

    page: Page
    row: etree._Element | None = None
    row_tag: Tag | None = None
    datum: Any = None
    _labels: dict[str, Mapping[str, etree._Element]] = field(default_factory=dict)
    _data: dict[str | None, Any] = field(default_factory=dict)

    @property
    def is_row(self) -> bool:
        """Whether this is a row, not the page."""
        return self.row is not None or self.row_tag is not None

    @cached_property
    def index(self) -> Index:
        """The elements that CSS looks among. What a selector asks of those around may lie outside a row."""
        return self.page.index if self.row is None else Index(self.row, whole=False)

    @cached_property
    def tag(self) -> Tag:
        """BeautifulSoup's tree."""
        if self.row_tag is None and self.row is not None:
            row = BeautifulSoup(etree.tostring(self.row, encoding="unicode", method="html"), "lxml")
            found = row.find(self.row.tag)
            assert isinstance(found, Tag)
            return found
        return self.page.soup if self.row_tag is None else self.row_tag

    @cached_property
    def element(self) -> etree._Element:
        """The tree for XPath. A row is a copy, which has no way out: `//b` searches the row only."""
        if self.row is not None:
            return deepcopy(self.row)
        if self.row_tag is not None:
            row = Page(self.page.url, str(self.row_tag).encode(), "text/html; charset=utf-8").tree
            return next((element for element in row.iter() if element.tag == self.row_tag.name), row)
        return self.page.tree

    def data(self, script: str | None) -> Any:
        """The JSON that the page is, or that the first script element which a selector finds holds."""
        if self.datum is not None:
            return self.datum
        if script not in self._data:
            if script is None:
                self._data[None] = json_data.whole(self.page.text)
            else:
                found = _first(self, compiled_css(script), script)
                text = "" if found is None else text_of(found, None)
                self._data[script] = json_data.within_script(text or "")
        return self._data[script]

    @cached_property
    def linked(self) -> Any:
        """The JSON-LD."""
        return self.datum if self.datum is not None else json_data.linked(self.element)

    def labels(self, within: str | None) -> Mapping[str, etree._Element]:
        """The label tables' values by label, of all tables or of those within what a selector finds first."""
        known = self._labels.get(within or "")
        if known is None:
            root = self.element if within is None else _first_css(self, within)
            known = self._labels[within or ""] = {} if root is None else label_table(root)
        return known


Finder = Callable[[Scope], str | None]


class KindReader:
    """Reads the pages of one kind; its selectors are compiled once."""

    def __init__(self, kind: PageKind) -> None:
        self._rows = kind.rows
        self._finders = {name: _finder(field) for name, field in kind.fields.items()}

    def read(self, page: Page) -> list[RawRecord]:
        """The raw texts of each record on the page: None where a selector matches nothing."""
        scopes = scopes_of(page, self._rows)
        return [{name: find(scope) for name, find in self._finders.items()} for scope in scopes]


def select(page: Page, selector: Selector) -> list[Any]:
    """All that a selector matches on a page: elements for CSS; elements or texts for XPath."""
    if selector.css is not None:
        compiled = compiled_css(selector.css) if page.is_plain else None
        if compiled is None:
            return list(soupsieve.select(selector.css, page.soup))
        return list(compiled.select(page.index))
    assert selector.xpath is not None
    found = _expression(selector.xpath)(page.tree, page.index)
    return found if isinstance(found, list) else [found]


def engine(selector: Selector) -> str:
    """What reads a selector: `lxml`, or `BeautifulSoup`, which takes many times as long."""
    return "BeautifulSoup" if selector.css is not None and compiled_css(selector.css) is None else "lxml"


@lru_cache(maxsize=4096)
def compiled_css(css: str) -> Css | None:
    """A selector compiled for lxml's tree; None where only BeautifulSoup reads it."""
    return compile_css(css)


@lru_cache(maxsize=4096)
def _expression(xpath: str) -> Find:
    return compile_xpath(xpath)


def scopes_of(page: Page, rows: Rows | None) -> list[Scope]:
    """Where each record of a page is to be read: the page, or its rows."""
    if rows is None:
        return [Scope(page)]
    if rows.are_data:
        scope = Scope(page)
        data = scope.linked if rows.json_path is None else scope.data(rows.script)
        try:
            found = jmespath.search(rows.jsonld or rows.json_path or "", data)
        except jmespath.exceptions.JMESPathError:
            found = None
        several = found if isinstance(found, list) else [found]
        return [Scope(page, datum=each) for each in several if isinstance(each, dict)]
    found = select(page, rows)
    tags = [Scope(page, row_tag=row) for row in found if isinstance(row, Tag)]
    return tags or [Scope(page, row=row) for row in found if isinstance(row, etree._Element)]


def _finder(field: Field) -> Finder:
    ways = [way_finder(way, field) for way in field.each_way]
    if len(ways) == 1:
        return ways[0]

    def find(scope: Scope) -> str | None:
        blank = None
        for way in ways:
            text = way(scope)
            if text is not None and not text.isspace() and text:
                return text
            blank = text if blank is None else blank
        return blank

    return find


def way_finder(way: Way, field: Field) -> Finder:
    """What finds a field's text in one of the ways to find it."""
    attr = way.attr or field.attr
    if way.label is not None:
        return _label_finder(plain_label(way.label), way.within, attr)
    attr = attr or ("href" if field.type == "url" else None)
    if way.css is not None:
        return _css_finder(way.css, attr)
    if way.xpath is not None:
        return _xpath_finder(way.xpath, attr)
    return _url_finder(way.in_url) if way.in_url is not None else _json_finder(way, field)


def _url_finder(pattern: str) -> Finder:
    compiled = re.compile(pattern)

    def find(scope: Scope) -> str | None:
        parts = urlsplit(scope.page.url)
        found = compiled.search(f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/")
        return None if found is None else found[1 if compiled.groups else 0]

    return find


def _json_finder(way: Way, field: Field) -> Finder:
    compiled = jmespath.compile(way.jsonld or way.json_path or "")
    mark = decimal_mark(field.locale)

    def find(scope: Scope) -> str | None:
        data = scope.data(way.script) if way.jsonld is None else scope.linked
        try:
            return json_data.as_text(compiled.search(data), decimal_mark=mark)
        except jmespath.exceptions.JMESPathError:
            return None  # a function that takes no such value: nothing is found here

    return find


def _label_finder(label: str, within: str | None, attr: str | None) -> Finder:
    def find(scope: Scope) -> str | None:
        value = scope.labels(within).get(label)
        return None if value is None else text_of(value, attr)

    return find


def _css_finder(css: str, attr: str | None) -> Finder:
    compiled = compiled_css(css)

    def find(scope: Scope) -> str | None:
        found = _first(scope, compiled, css)
        return None if found is None else text_of(found, attr)

    return find


def _first(scope: Scope, compiled: Css | None, css: str) -> Any:
    """The first that a selector matches: an element of lxml's tree, or a tag of BeautifulSoup's."""
    if compiled is not None and scope.row_tag is None and scope.page.is_plain:
        return compiled.first(scope.index)
    if css == _ROW_ITSELF:
        return scope.tag if scope.row is None else scope.row
    return soupsieve.select_one(css, scope.tag)


def _first_css(scope: Scope, css: str) -> etree._Element | None:
    """The first element of lxml's tree that a selector matches. The spec has only those that lxml reads."""
    compiled = compiled_css(css)
    assert compiled is not None
    return compiled.first(Index(scope.element, whole=False) if scope.is_row else scope.index)


def _xpath_finder(xpath: str, attr: str | None) -> Finder:
    expression = _expression(xpath)
    whole = etree.XPath(xpath)

    def find(scope: Scope) -> str | None:
        found = whole(scope.element) if scope.is_row else expression(scope.page.tree, scope.page.index)
        if isinstance(found, list):
            return text_of(found[0], attr) if found else None
        return str(found)

    return find
