"""How a careful user reads pages with selectolax (its lexbor parser)."""

import sys
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser

sys.path.insert(0, str(Path(__file__).parents[1]))
from scraping_site import KEY, label, names


def read(html: bytes) -> dict[str, str]:
    """The record on a page."""
    page = LexborHTMLParser(html)
    labelled = _table(page, "#pairs dt", "#pairs dd")
    rows = _table(page, "#rows th", "#rows td")
    found = {KEY: page.css_first("#key").text()}
    for name in names()[1:]:
        if name[0] == "c":
            found[name] = page.css_first(f".{name}").text()
        elif name[0] == "a":
            found[name] = page.css_first(f".{name}").attributes["data-value"]
        elif name[0] == "s":
            found[name] = page.css_first(f"p.{name} b").text()
        else:
            found[name] = (labelled if name[0] == "d" else rows)[label(name)]
    return found


def links(html: bytes) -> tuple[list[str], str | None]:
    """The items that a list page names, and the next list page."""
    page = LexborHTMLParser(html)
    more = page.css_first("a.next")
    return [each.attributes["href"] for each in page.css("li.item a")], more and more.attributes["href"]


def _table(page: LexborHTMLParser, keys: str, values: str) -> dict[str, str]:
    return {key.text(): value.text() for key, value in zip(page.css(keys), page.css(values), strict=True)}
