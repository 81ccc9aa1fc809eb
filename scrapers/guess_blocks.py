"""The repeated part of a page that holds a record each, and the link to the next page of such."""

import re
from collections import defaultdict
from dataclasses import dataclass
from urllib.parse import urlsplit

from lxml import etree

from scrapers.css import compile_css
from scrapers.fields import fold
from scrapers.page import Page
from scrapers.texts import element_text
from scrapers.urls import absolute, same_host

_FEWEST = 3
_AROUND = frozenset({"nav", "header", "footer", "form", "select", "head", "aside"})
_NOT_BLOCKS = frozenset({"option", "script", "style", "link", "meta", "br", "th", "td", "dt", "dd", "p"})
_NEXT = re.compile(
    r"(?:next|older|more|weiter|suivant|siguiente)\b.{0,12}|[\u203a\u00bb\u2192>]+", re.IGNORECASE
)
_PLAIN = re.compile(r"[A-Za-z_][\w-]*")


@dataclass(frozen=True)
class Blocks:
    """Elements of one kind side by side, what finds them, and the links that lead from each, if any."""

    selector: dict[str, str]
    elements: list[etree._Element]
    links: list[str]


def blocks(page: Page) -> Blocks | None:
    """The repeated block with most to say; None where nothing is repeated three times or more."""
    groups: defaultdict[tuple[etree._Element, str, str], list[etree._Element]] = defaultdict(list)
    for element in page.tree.iter(etree.Element):
        parent = element.getparent()
        if parent is not None and element.tag not in _NOT_BLOCKS and not _is_around(element):
            groups[parent, str(element.tag), first_class(element)].append(element)
    several = [group for group in groups.values() if len(group) >= _FEWEST]
    if not several:
        return None
    best = _narrowed(max(several, key=lambda group: _weight(group, page)))
    selector = {"css": block_css(best, page)}
    if best[0].tag == "tr" and any(each.find("td") is None for each in best):
        best, selector = [each for each in best if each.find("td") is not None], _body_rows(best[0], page)
    return Blocks(selector, best, [_link(each, page) for each in best])


def _body_rows(row: etree._Element, page: Page) -> dict[str, str]:
    """What finds the rows of a table that have cells of data."""
    table = next((each for each in row.iterancestors("table")), None)
    tables = list(page.tree.iter("table"))
    return {"xpath": f"(//table)[{tables.index(table) + 1}]//tr[td]" if table in tables else "//tr[td]"}


def block_css(elements: list[etree._Element], page: Page) -> str:
    """A selector that finds just these elements, or as nearly so as classes and ids can."""
    element = elements[0]
    own = _by_class(element)
    for selector in _with_parents(element, own):
        compiled = compile_css(selector)
        if compiled is not None and list(compiled.select(page.index)) == elements:
            return selector
    return own


def next_link(page: Page) -> tuple[str, str] | None:
    """The CSS of the link to the next page, and where it leads; None where there is none."""
    for element in page.tree.iter("a", "link"):
        target = absolute(element.get("href") or "", page.base_url) if element.get("href") else None
        if target is None or not same_host(target, page.url) or target == page.url:
            continue
        if (element.get("rel") or "").lower() == "next":
            return f"{element.tag}[rel=next]", target
        if element.tag == "a" and _NEXT.fullmatch(fold(element_text(element))):
            for near in (element, element.getparent()):
                if near is not None and first_class(near):
                    css = _by_class(near)
                    return (css if near is element else f"{css} > a"), target
    return None


def first_class(element: etree._Element) -> str:
    """The first of an element's classes that a selector can name; else empty."""
    return next((name for name in (element.get("class") or "").split() if _PLAIN.fullmatch(name)), "")


def _by_class(element: etree._Element) -> str:
    name = first_class(element)
    return f"{element.tag}.{name}" if name else str(element.tag)


def _with_parents(element: etree._Element, own: str) -> list[str]:
    """The element's own selector, then below its parent, then below ancestors with an id or a class."""
    found = [own]
    parent = element.getparent()
    if parent is not None:
        found.append(f"{_by_class(parent)} > {own}")
    for ancestor in element.iterancestors():
        identity = ancestor.get("id") or ""
        if _PLAIN.fullmatch(identity):
            found += [f"#{identity} {own}", f"#{identity} > {own}"]
        elif first_class(ancestor):
            found.append(f"{_by_class(ancestor)} {own}")
    above = None if parent is None else parent.getparent()
    if parent is not None and above is not None:
        found.append(f"{_by_class(above)} > {_by_class(parent)} > {own}")
    return found


def _is_around(element: etree._Element) -> bool:
    return element.tag in _AROUND or any(each.tag in _AROUND for each in element.iterancestors())


def _weight(group: list[etree._Element], page: Page) -> float:
    """How much a group says: the texts of its members that differ, and whether each leads somewhere."""
    texts = [fold(element_text(each)) for each in group]
    said = sum(min(len(text), 300) for text in set(texts))
    parts = min(sum(1 for each in members.iterdescendants(etree.Element)) for members in group)
    leads = len({link for each in group if (link := _link(each, page))})
    return said * (1 + min(parts, 10) / 2) * (2 if leads >= _FEWEST else 1)


def _narrowed(group: list[etree._Element]) -> list[etree._Element]:
    """The only children of the members, where these are alike and say by a class what they are."""
    while True:
        inner = [list(each.iterchildren(etree.Element)) for each in group]
        if any(len(children) != 1 for children in inner) or first_class(group[0]):
            return group
        children = [only for (only,) in inner]
        alike = {(child.tag, first_class(child)) for child in children}
        if len(alike) != 1 or not first_class(children[0]) or children[0].tag == "a":
            return group
        group = children


def _link(element: etree._Element, page: Page) -> str:
    """Where the first link of a block leads on its own host; empty where there is none."""
    anchors = [element] if element.tag == "a" else list(element.iterdescendants("a"))
    targets = (absolute(each.get("href") or "", page.base_url) for each in anchors if each.get("href"))
    own = urlsplit(page.url)
    return next(
        (
            to
            for to in targets
            if to and same_host(to, page.url) and urlsplit(to).path not in {own.path, "/", ""}
        ),
        "",
    )
