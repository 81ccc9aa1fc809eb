"""What a record's part of a page says that no field reads."""

from collections.abc import Iterator, Mapping
from typing import Any

from lxml import etree

from scrapers.extract import Scope, compiled_css, scopes_of
from scrapers.fields import fold
from scrapers.labels import label_table, labelled, plain_label
from scrapers.page import Page
from scrapers.spec import PageKind
from scrapers.spec_fields import Way

_NO_TEXT = frozenset({"script", "style", "noscript", "template", "button", "select"})
_AROUND = frozenset({"head", "header", "footer", "nav", "aside", "form"})
MOST, WIDTH = 40, 80  # texts that are listed, characters of each


def unread(page: Page, kind: PageKind) -> list[str]:
    """The texts of the page's first record, each once, that no field of the kind reads.

    Of a row all its texts count, of a page those below the smallest element that holds all that is read;
    scripts, and a page's navigation, forms, header and footer do not. Empty where the record is no HTML.
    """
    scope = next(iter(scopes_of(page, kind.rows)), None)
    if scope is None or scope.datum is not None or scope.row_tag is not None:
        return []
    root = scope.element
    inner = Scope(page, row=root) if scope.is_row else scope
    ways = [way for field in kind.fields.values() for way in field.each_way]
    tables = {way.within: _table(way.within, inner, root) for way in ways if way.label is not None}
    read = {element for way in ways for element in _elements(way, inner, root, tables)}
    read |= {label for label, value in labelled(root) if value in read}
    block = root if scope.is_row else _smallest_around(read, root)
    texts = (text for text in _texts(block, read, skip=not scope.is_row) if any(map(str.isalnum, text)))
    return [text[:WIDTH] for text in dict.fromkeys(texts)][:MOST]


Tables = Mapping[str | None, Mapping[str, etree._Element]]


def _table(within: str | None, scope: Scope, root: etree._Element) -> Mapping[str, etree._Element]:
    """The values by label, of all of the record or of what a selector finds in it first."""
    compiled = None if within is None else compiled_css(within)
    holder = root if compiled is None else compiled.first(scope.index)
    return {} if holder is None else label_table(holder)


def _elements(way: Way, scope: Scope, root: etree._Element, tables: Tables) -> list[etree._Element]:
    """The elements that one way reads."""
    found: list[Any] = []
    if way.label is not None:
        value = tables[way.within].get(plain_label(way.label))
        found = [] if value is None else [value]
    elif way.css is not None:
        compiled = compiled_css(way.css)
        found = [] if compiled is None else [compiled.first(scope.index)]
    elif way.xpath is not None:
        matches = etree.XPath(way.xpath)(root)
        found = matches[:1] if isinstance(matches, list) else []
    owners = (each if isinstance(each, etree._Element) else _owner(each) for each in found)
    return [each for each in owners if each is not None]


def _owner(text: Any) -> etree._Element | None:
    """The element that an XPath's text or attribute stands in."""
    return text.getparent() if hasattr(text, "getparent") else None


def _smallest_around(read: set[etree._Element], root: etree._Element) -> etree._Element:
    """The smallest element that holds all that is read, the root where nothing is."""
    paths = [[element, *element.iterancestors()][::-1] for element in read if element is not root]
    block = root
    for level in zip(*paths, strict=False):
        if len(set(level)) > 1:
            break
        block = level[0]
    return block


def _texts(block: etree._Element, read: set[etree._Element], *, skip: bool) -> Iterator[str]:
    """The texts below an element that stand in no element which is read, in document order."""
    waiting: list[etree._Element | str] = [block]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            yield fold(each)
            continue
        inside: list[etree._Element | str] = []
        if not (each in read or each.tag in _NO_TEXT or (skip and each.tag in _AROUND)):
            inside += [each.text or "", *each]
        if each is not block and each.tail:
            inside.append(each.tail)
        waiting += reversed(inside)
