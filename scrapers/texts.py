"""The text of what a selector has found, the same in BeautifulSoup's tree and in lxml's."""

from copy import deepcopy
from typing import Any

from bs4 import Tag
from lxml import etree

_UNSEEN = ("script", "style", "template")


def text_of(match: Any, attr: str | None) -> str | None:
    """The text of what a selector matched, or its attribute; None when it lacks the attribute.

    Scripts and styles within an element are no text of it; those that are the element itself are.
    """
    if isinstance(match, etree._Element):
        return match.get(attr) if attr is not None else element_text(match)
    if isinstance(match, Tag):
        if attr is None:
            return match.get_text()
        value = match.get(attr)
        return " ".join(value) if isinstance(value, list) else value
    return str(match)


def element_text(element: etree._Element) -> str:
    """All the text within an element, in document order."""
    if not len(element):
        return element.text or ""
    if next(element.iterdescendants(*_UNSEEN), None) is not None:
        element = deepcopy(element)
        etree.strip_elements(element, *_UNSEEN, with_tail=False)
        element.tail = None
    return "".join(str(text) for text in element.itertext())
