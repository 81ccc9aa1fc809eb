"""HTML as a browser reads it (the parsing algorithm of the HTML standard, by lexbor), as an lxml tree."""

import re
from typing import Any

from lxml import etree

_PARSER = etree.HTMLParser()
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
MAX_DEPTH = 2048  # elements within each other, as many as lxml's own parser takes
_UNNAMEABLE = "unknown"  # in place of names that no XPath could ask for


def html5_tree(text: str) -> etree._Element:
    """The root of a page's tree; comments, what templates hold and what is too deep are left out."""
    # Late: it is needed only where a spec says `html: html5`.
    from selectolax.lexbor import LexborHTMLParser

    source = LexborHTMLParser(text).root
    root: etree._Element = _PARSER.makeelement("html")
    if source is not None:
        _set_attributes(root, source.attributes)
        _fill(root, source)
    return root


def _fill(root: etree._Element, source: Any) -> None:
    """Copy what stands below a node of lexbor's tree, without recursion: pages may be nested deeply."""
    waiting = [(root, source, 1)]
    while waiting:
        element, node, depth = waiting.pop()
        last: etree._Element | None = None
        child = node.child
        while child is not None:
            if child.is_text_node:
                _add_text(element, last, child.text_content or "")
            elif child.is_element_node and depth < MAX_DEPTH:
                last = _added(element, child)
                waiting.append((last, child, depth + 1))
            child = child.next


def _added(element: etree._Element, node: Any) -> etree._Element:
    try:
        added = etree.SubElement(element, node.tag)
    except ValueError:
        added = etree.SubElement(element, _UNNAMEABLE)
    _set_attributes(added, node.attributes)
    return added


def _set_attributes(element: etree._Element, attributes: dict[str, str | None]) -> None:
    for name, value in attributes.items():
        try:
            element.set(name, _NOT_IN_XML.sub("\ufffd", value or ""))
        except ValueError:
            continue  # a name that no selector could ask for


def _add_text(element: etree._Element, last: etree._Element | None, text: str) -> None:
    text = _NOT_IN_XML.sub("\ufffd", text)
    if last is None:
        element.text = (element.text or "") + text
    else:
        last.tail = (last.tail or "") + text
