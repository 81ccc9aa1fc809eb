"""One page to raw texts: CSS, XPath and label tables on one lxml tree, BeautifulSoup where only that will do."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import soupsieve
from bs4 import BeautifulSoup, Tag
from lxml import etree

from scrapers.css import Css, Index, compile_css
from scrapers.labels import label_table, plain_label
from scrapers.page import Page
from scrapers.spec import Field, PageKind, Selector
from scrapers.texts import text_of
from scrapers.xpath import Find, compile_xpath

__all__ = ["KindReader", "RawRecord", "Scope", "engine", "select", "text_of"]

RawRecord = dict[str, str | None]
_ROW_ITSELF = ":scope"


@dataclass(frozen=True)
class Scope:
    """What a record's selectors look into: a whole page, or one row of it, as an element of either tree."""

    page: Page
    row: etree._Element | None = None
    row_tag: Tag | None = None
    _labels: dict[str, Mapping[str, etree._Element]] = field(default_factory=dict)

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
        scopes = [Scope(page)] if self._rows is None else _rows(page, self._rows)
        return [{name: find(scope) for name, find in self._finders.items()} for scope in scopes]


def select(page: Page, selector: Selector) -> list[Any]:
    """All that a selector matches on a page: elements for CSS; elements or texts for XPath."""
    if selector.css is not None:
        compiled = _compiled(selector.css) if page.is_plain else None
        if compiled is None:
            return list(soupsieve.select(selector.css, page.soup))
        return list(compiled.select(page.index))
    assert selector.xpath is not None
    found = _expression(selector.xpath)(page.tree, page.index)
    return found if isinstance(found, list) else [found]


def engine(selector: Selector) -> str:
    """What reads a selector: `lxml`, or `BeautifulSoup`, which takes many times as long."""
    return "BeautifulSoup" if selector.css is not None and _compiled(selector.css) is None else "lxml"


@lru_cache(maxsize=4096)
def _compiled(css: str) -> Css | None:
    return compile_css(css)


@lru_cache(maxsize=4096)
def _expression(xpath: str) -> Find:
    return compile_xpath(xpath)


def _rows(page: Page, selector: Selector) -> list[Scope]:
    found = select(page, selector)
    tags = [Scope(page, row_tag=row) for row in found if isinstance(row, Tag)]
    return tags or [Scope(page, row=row) for row in found if isinstance(row, etree._Element)]


def _finder(field: Field) -> Finder:
    attr = field.attr or ("href" if field.type == "url" else None)
    if field.label is not None:
        return _label_finder(plain_label(field.label), field.within, field.attr)
    if field.css is not None:
        return _css_finder(field.css, attr)
    assert field.xpath is not None
    return _xpath_finder(field.xpath, attr)


def _label_finder(label: str, within: str | None, attr: str | None) -> Finder:
    def find(scope: Scope) -> str | None:
        value = scope.labels(within).get(label)
        return None if value is None else text_of(value, attr)

    return find


def _css_finder(css: str, attr: str | None) -> Finder:
    compiled = _compiled(css)

    def find(scope: Scope) -> str | None:
        if compiled is not None and scope.row_tag is None and scope.page.is_plain:
            found: Any = compiled.first(scope.index)
        elif css == _ROW_ITSELF:
            found = scope.tag if scope.row is None else scope.row
        else:
            found = soupsieve.select_one(css, scope.tag)
        return None if found is None else text_of(found, attr)

    return find


def _first_css(scope: Scope, css: str) -> etree._Element | None:
    """The first element of lxml's tree that a selector matches. The spec has only those that lxml reads."""
    compiled = _compiled(css)
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
