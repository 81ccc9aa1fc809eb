"""XPath over lxml's tree: an expression that begins at an element of some id or class starts from there."""

import re
from collections.abc import Callable
from typing import Any

from lxml import etree

from scrapers.css import Index

Find = Callable[[etree._Element, Index], Any]
_ANCHOR = re.compile(r"//(\*|[A-Za-z][\w-]*)\[@(id|class)\s*=\s*(['\"])([^'\"\s]+)\3\](?=/|$)(.*)", re.DOTALL)
_STEP = r"(?:@?[\w-]+|@?\*|\.\.?|(?:text|node)\(\)|[\w-]+::(?:[\w-]+|\*|(?:text|node)\(\)))"
_STEPS = re.compile(rf"(?://?{_STEP}\s*)*")
_PREDICATE = re.compile(r"\[(?:[^\[\]'\"]|'[^']*'|\"[^\"]*\")*\]")


def compile_xpath(xpath: str) -> Find:
    """The expression, to be evaluated on the root of a tree with the tree's index.

    `//table[@id='x']//td` looks the table up in the index and evaluates the rest from it, where exactly one
    element has that id or class: then the meaning is the same, and the page is not searched for it.
    """
    whole = etree.XPath(xpath)
    parts = _ANCHOR.fullmatch(xpath.strip())
    if parts is None or not _only_steps(parts[5]):
        return lambda root, _: whole(root)
    name, key, _, value, rest = parts.groups()
    entry = f"#{value}" if key == "id" else f".{value}"
    relative = etree.XPath(f".{rest}") if rest else None

    def find(root: etree._Element, index: Index) -> Any:
        anchors = [each for each in index[entry] if each.get(key) == value and name in {"*", each.tag}]
        if len(anchors) != 1:
            return whole(root)
        return anchors if relative is None else relative(anchors[0])

    return find


def _only_steps(rest: str) -> bool:
    """Whether the rest of an expression is nothing but steps, with predicates or without."""
    bare, before = rest, None
    while bare != before:
        before, bare = bare, _PREDICATE.sub("", bare)
    return _STEPS.fullmatch(bare) is not None
