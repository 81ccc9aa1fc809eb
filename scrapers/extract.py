"""One page to raw texts: CSS through BeautifulSoup, XPath through lxml, label tables in one pass."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import soupsieve
from bs4 import BeautifulSoup, Tag
from lxml import etree

from scrapers.css import Index, first_match, index_of, required
from scrapers.fields import fold
from scrapers.page import Page
from scrapers.spec import Field, PageKind, Selector

RawRecord = dict[str, str | None]
_TEXT = etree.XPath("string()")
_ROW_ITSELF = ":scope"


@dataclass(frozen=True)
class Scope:
    """What a record's selectors look into: a whole page, or one row of it as a small document of its own."""

    page: Page
    row_tag: Tag | None = None
    row_element: etree._Element | None = None

    @cached_property
    def tag(self) -> Tag:
        """The tree for CSS."""
        if self.row_tag is None and self.row_element is not None:
            row = BeautifulSoup(etree.tostring(self.row_element, encoding="unicode", method="html"), "lxml")
            found = row.find(self.row_element.tag)
            assert isinstance(found, Tag)
            return found
        return self.page.soup if self.row_tag is None else self.row_tag

    @cached_property
    def element(self) -> etree._Element:
        """The tree for XPath."""
        if self.row_element is None and self.row_tag is not None:
            row = Page(self.page.url, str(self.row_tag).encode(), "text/html; charset=utf-8").tree
            return next((element for element in row.iter() if element.tag == self.row_tag.name), row)
        return self.page.tree if self.row_element is None else self.row_element

    @property
    def is_row(self) -> bool:
        """Whether this is a row, not the page."""
        return self.row_tag is not None or self.row_element is not None

    @cached_property
    def index(self) -> Index:
        """The page's tags, by what a CSS selector may ask of them."""
        return index_of(self.page.soup)

    @cached_property
    def labels(self) -> Mapping[str, etree._Element]:
        """The label tables' values by label."""
        return label_table(self.element)


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


def label_table(root: etree._Element) -> dict[str, etree._Element]:
    """The value elements by the exact label before them: dd by dt, td by the th of its row.

    White space is folded and a colon at the end of a label left out; of equal labels the first counts.
    """
    found: dict[str, etree._Element] = {}
    for label in root.iter("dt", "th"):
        value = label.getnext()
        while value is not None and label.tag == "dt" and value.tag not in {"dd", "dt"}:
            value = value.getnext()
        if value is not None and value.tag == ("dd" if label.tag == "dt" else "td"):
            found.setdefault(plain_label(str(_TEXT(label))), value)
    return found


def plain_label(text: str) -> str:
    """A label as it is compared."""
    return fold(text).removesuffix(":").rstrip()


def select(page: Page, selector: Selector) -> list[Any]:
    """All that a selector matches on a page: tags for CSS; elements or texts for XPath."""
    if selector.css is not None:
        return list(soupsieve.select(selector.css, page.soup))
    assert selector.xpath is not None
    found = page.tree.xpath(selector.xpath)
    return found if isinstance(found, list) else [found]


def text_of(match: Any, attr: str | None) -> str | None:
    """The text of what a selector matched, or its attribute; None when it lacks the attribute."""
    if isinstance(match, Tag):
        if attr is None:
            return match.get_text()
        value = match.get(attr)
        return " ".join(value) if isinstance(value, list) else value
    if isinstance(match, etree._Element):
        return match.get(attr) if attr is not None else str(_TEXT(match))
    return str(match)


def _rows(page: Page, selector: Selector) -> list[Scope]:
    found = select(page, selector)
    if selector.css is not None:
        return [Scope(page, row_tag=row) for row in found]
    # A copy has no way out: an absolute path searches the row only, as it does in a CSS row.
    return [Scope(page, row_element=deepcopy(row)) for row in found if isinstance(row, etree._Element)]


def _finder(field: Field) -> Finder:
    attr = field.attr or ("href" if field.type == "url" else None)
    if field.label is not None:
        return _label_finder(plain_label(field.label), field.attr)
    if field.css is not None:
        return _css_finder(field.css, attr)
    assert field.xpath is not None
    return _xpath_finder(field.xpath, attr)


def _label_finder(label: str, attr: str | None) -> Finder:
    def find(scope: Scope) -> str | None:
        value = scope.labels.get(label)
        return None if value is None else text_of(value, attr)

    return find


def _css_finder(css: str, attr: str | None) -> Finder:
    compiled = soupsieve.compile(css)
    entry = required(compiled)

    def find(scope: Scope) -> str | None:
        if css == _ROW_ITSELF:
            tag: Tag | None = scope.tag
        elif scope.is_row or _ROW_ITSELF in css:
            tag = compiled.select_one(scope.tag)
        else:
            tag = first_match(compiled, entry, scope.index)
        return None if tag is None else text_of(tag, attr)

    return find


def _xpath_finder(xpath: str, attr: str | None) -> Finder:
    compiled = etree.XPath(xpath)

    def find(scope: Scope) -> str | None:
        found = compiled(scope.element)
        if isinstance(found, list):
            return text_of(found[0], attr) if found else None
        return str(found)

    return find
