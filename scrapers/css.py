"""CSS over lxml's tree: what soupsieve has parsed, matched against elements looked up in an index.

Covers names, ids, classes, attributes, combinators, :nth-*, :not and :is with the meaning that soupsieve
gives them. What is beyond (:has, :contains, :root, namespaces) is `None` here, and BeautifulSoup's.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import soupsieve
from lxml import etree
from soupsieve.css_types import Selector, SelectorList, SelectorNull

Element = etree._Element
Matches = Callable[[Element], bool]
ALL = ""
_WITH_CLASS = etree.XPath("descendant-or-self::*[@class]")
_WITH_ID = etree.XPath("descendant-or-self::*[@id]")
_NAMES = re.compile(r"[^ \t\r\n\f]+")
_WAYS = {" ": "ancestor", ">": "parent", "~": "earlier", "+": "before"}


class Untranslatable(Exception):  # noqa: N818 - it is caught in this file
    """A selector, or a part of one, that is left to BeautifulSoup."""


@lru_cache(maxsize=65536)
def classes(value: str) -> frozenset[str]:
    """The names in a class attribute, parted by what CSS calls white space."""
    return frozenset(_NAMES.findall(value))


@lru_cache(maxsize=65536)
def _class_entries(value: str) -> tuple[str, ...]:
    return tuple(f".{name}" for name in classes(value))


class Index:
    """The elements under a root, itself left out unless `whole`, in document order by id, class and name.

    Each of the three is looked through when it is first asked for, and names one by one.
    """

    def __init__(self, root: Element, *, whole: bool = True) -> None:
        self._root, self._whole = root, whole
        self._by: dict[str, list[Element]] = {}
        self._known: set[str] = set()

    def __getitem__(self, entry: str) -> list[Element]:
        found = self._by.get(entry)
        if found is not None:
            return found
        first = entry[:1]
        if first in {".", "#"}:
            if first not in self._known:
                self._known.add(first)
                self._learn(first)
                return self._by.get(entry, [])
            return []
        made = self._by[entry] = list(self._iterate(entry or etree.Element))
        return made

    def _learn(self, first: str) -> None:
        """Look through all that have a class, or an id."""
        by = self._by
        if first == "#":
            for element in self._with(_WITH_ID):
                by.setdefault(f"#{element.get('id')}", []).append(element)
            return
        for element in self._with(_WITH_CLASS):
            for entry in _class_entries(element.get("class")):
                if entry in by:
                    by[entry].append(element)
                else:
                    by[entry] = [element]

    def _with(self, expression: Any) -> list[Element]:
        """The elements of an expression, that is evaluated faster than all elements can be looked at."""
        found: list[Element] = expression(self._root)
        return found if self._whole or not found or found[0] is not self._root else found[1:]

    def _iterate(self, tag: Any) -> Iterator[Element]:
        return self._root.iter(tag) if self._whole else self._root.iterdescendants(tag)


@dataclass(frozen=True)
class Css:
    """A compiled selector: all that it can match stands under one `entry` of an index."""

    entry: str
    matches: Matches

    def select(self, index: Index) -> Iterator[Element]:
        """What it matches, in document order."""
        return (element for element in index[self.entry] if self.matches(element))

    def first(self, index: Index) -> Element | None:
        """The first that it matches."""
        for element in index[self.entry]:
            if self.matches(element):
                return element
        return None


def compile_css(css: str) -> Css | None:
    """The selector over lxml's tree; None where its meaning there is not surely that of soupsieve."""
    selectors = soupsieve.compile(css).selectors
    try:
        return Css(_entry(selectors), _any_of(selectors))
    except Untranslatable:
        return None


def _entry(selectors: SelectorList) -> str:
    """Where all that can match is to be found: by an id, class or name that is asked for."""
    alternatives = list(selectors)
    asked = alternatives[0]
    if len(alternatives) != 1 or isinstance(asked, SelectorNull):
        return ALL
    if asked.ids:
        return f"#{asked.ids[0]}"
    if asked.classes:
        return f".{asked.classes[0]}"
    return asked.tag.name.lower() if asked.tag and asked.tag.name not in {None, "", "*"} else ALL


def _any_of(selectors: SelectorList) -> Matches:
    alternatives = [_compound(each) for each in selectors]
    if len(alternatives) == 1:
        return alternatives[0]
    return lambda element: any(matches(element) for matches in alternatives)


def _compound(selector: Selector | SelectorNull) -> Matches:
    """One compound selector and what it asks of the elements around."""
    if isinstance(selector, SelectorNull) or selector.contains or selector.lang or selector.flags:
        raise Untranslatable
    tests = [
        *_name(selector.tag),
        *(_has_id(each) for each in selector.ids),
        *(_has_class(each) for each in selector.classes),
        *(_attribute(each) for each in selector.attributes),
        *(_nth(each) for each in selector.nth),
        *(_nested(each) for each in selector.selectors),
        *(_related(each) for each in selector.relation),
    ]
    if len(tests) == 1:
        return tests[0]
    if len(tests) == 2:
        one, other = tests
        return lambda element: one(element) and other(element)
    return lambda element: all(test(element) for test in tests)


def _name(tag: Any) -> list[Matches]:
    if tag is None or tag.name in {None, "*"}:
        if tag is not None and tag.prefix:
            raise Untranslatable
        return []
    if tag.prefix:
        raise Untranslatable
    name = tag.name.lower()
    return [lambda element: element.tag == name]


def _has_id(value: str) -> Matches:
    return lambda element: element.get("id") == value


def _has_class(value: str) -> Matches:
    return lambda element: value in classes(element.get("class") or "")


def _attribute(asked: Any) -> Matches:
    if asked.prefix:
        raise Untranslatable
    name, pattern, inverse = asked.attribute.lower(), asked.pattern, asked.inverse
    lowered = bool(getattr(asked, "ignore_case", False))
    if pattern is None:
        return lambda element: element.get(name) is not None or inverse

    def matches(element: Element) -> bool:
        value = element.get(name)
        if value is None:
            return bool(inverse)
        return pattern.search(_ascii_lower(value) if lowered else value) is not None

    return matches


def _ascii_lower(text: str) -> str:
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)


def _nth(asked: Any) -> Matches:
    """The element's number among its siblings, from 1, is a * k + b for a k from 0."""
    if list(asked.selectors) and not _is_universal(asked.selectors):
        raise Untranslatable
    a, b = (asked.a, asked.b) if asked.n else (0, asked.b)

    def matches(element: Element) -> bool:
        tag = element.tag if asked.of_type else etree.Element
        number = 1 + sum(1 for _ in element.itersiblings(tag, preceding=not asked.last))
        if a == 0:
            return bool(number == b)
        return bool((number - b) % a == 0 and (number - b) // a >= 0)

    return matches


def _is_universal(selectors: SelectorList) -> bool:
    """Whether it is the `*|*` that :nth-child asks for when nothing else is said."""
    alternatives = list(selectors)
    only = alternatives[0]
    if len(alternatives) != 1 or isinstance(only, SelectorNull):
        return False
    plain = not (only.ids or only.classes or only.attributes or only.nth or only.selectors or only.flags)
    return plain and not list(only.relation) and only.tag is not None and only.tag.name == "*"


def _nested(selectors: SelectorList) -> Matches:
    """:is, :where and :not."""
    if selectors.is_html:
        raise Untranslatable
    if not list(selectors):
        raise Untranslatable
    matches, negated = _any_of(selectors), selectors.is_not
    return lambda element: matches(element) != negated


def _related(selector: Selector | SelectorNull) -> Matches:
    """What stands before or around the element."""
    way = None if isinstance(selector, SelectorNull) else _WAYS.get(selector.rel_type or "")
    if way is None:
        raise Untranslatable
    matches = _compound(selector)
    if way == "ancestor":
        return lambda element: any(matches(each) for each in element.iterancestors(etree.Element))
    if way == "earlier":
        return lambda element: any(
            matches(each) for each in element.itersiblings(etree.Element, preceding=True)
        )
    if way == "parent":

        def of_parent(element: Element) -> bool:
            parent = element.getparent()
            return parent is not None and matches(parent)

        return of_parent

    def of_before(element: Element) -> bool:
        before = next(element.itersiblings(etree.Element, preceding=True), None)
        return before is not None and matches(before)

    return of_before
