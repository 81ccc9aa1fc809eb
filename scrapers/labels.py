"""Tables of labels and values (dt/dd, th/td), read in one pass by exact label."""

from collections.abc import Iterator

from lxml import etree

from scrapers.fields import fold
from scrapers.texts import element_text


def label_table(root: etree._Element) -> dict[str, etree._Element]:
    """The value elements by the exact label before them: dd by dt, td by the th of its row.

    White space is folded and a colon at the end of a label left out; of equal labels the first counts.
    """
    found: dict[str, etree._Element] = {}
    for label, value in labelled(root):
        found.setdefault(plain_label(element_text(label)), value)
    return found


def labelled(root: etree._Element) -> Iterator[tuple[etree._Element, etree._Element]]:
    """Every label with the element of its value."""
    for label in root.iter("dt", "th"):
        value = label.getnext()
        while value is not None and label.tag == "dt" and value.tag not in {"dd", "dt"}:
            value = value.getnext()
        if value is not None and value.tag == ("dd" if label.tag == "dt" else "td"):
            yield label, value


def plain_label(text: str) -> str:
    """A label as it is compared."""
    return fold(text).removesuffix(":").rstrip()
