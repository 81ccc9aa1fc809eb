"""The selector nearest to one that matches nothing on a page: what it may have become after a change."""

import re
from collections.abc import Iterator
from difflib import get_close_matches

from pydantic import ValidationError

from scrapers.errors import FieldError
from scrapers.extract import Scope, way_finder
from scrapers.fields import read_value
from scrapers.page import Page
from scrapers.spec_fields import Field, Way

_CLOSE, _SEVERAL = 0.5, 3
_COMBINATOR = re.compile(r"\s*[>+~]\s*|\s+")
_CONDITION = re.compile(r"\.[\w-]+|#[\w-]+|\[[^\]]*\]|::?[\w-]+(?:\([^)]*\))?")
_CLASS = re.compile(r"\.([\w-]+)")
_STEPS = re.compile(r"/(?=/?[\w*@.])")
_XPATH_CLASS = re.compile(r"(@(?:class|id)\s*(?:=|,)\s*)(['\"])([^'\"]+)\2")


def nearest(scope: Scope, field: Field, name: str) -> str:
    """A way to find a field's text that gives one of its type on this page or row, with the text; else empty.

    Tried are, of each of the field's ways: less of it, what is spelled nearly alike on the page, and at last
    labels, classes and itemprops that are spelled like the field's `name`.
    """
    if scope.datum is not None:
        return ""
    page = scope.page
    for key, text in _candidates(page, field, name, scope):
        try:
            way = Way.model_validate({key: text, "attr": field.attr})
            found = way_finder(way, field)(scope)
            value = None if found is None else read_value(found, field, page.url)
        except (ValidationError, FieldError):
            continue
        if value is not None:
            return f"{key} {text!r} gives {' '.join((found or '').split())!r:.60}"
    return ""


def _candidates(page: Page, field: Field, name: str, scope: Scope) -> Iterator[tuple[str, str]]:
    labels, names = list(scope.labels(None)), _names(page)
    for way in field.each_way:
        if way.label is not None:
            yield from (("label", each) for each in _close(way.label, labels))
        elif way.css is not None:
            yield from (("css", each) for each in _less_css(way.css, bare=scope.is_row))
            yield from (("css", each) for each in _other_css(way.css, names))
        elif way.xpath is not None:
            yield from (("xpath", each) for each in _less_xpath(way.xpath))
            yield from (("xpath", each) for each in _other_xpath(way.xpath, names))
    yield from (("label", each) for each in _close(name.replace("_", " "), labels))
    yield from (("css", f".{each}") for each in _close(name.replace("_", "-"), names))
    yield "css", f"[itemprop={name}]"


def _close(word: str, words: list[str]) -> list[str]:
    """Words spelled nearly alike, or with the word in them, whatever their case."""
    by_lower = {each.lower(): each for each in reversed(words)}
    found = get_close_matches(word.lower(), list(by_lower), n=_SEVERAL, cutoff=_CLOSE)
    found += [each for each in by_lower if word.lower() in each and each not in found][:_SEVERAL]
    return [by_lower[each] for each in found]


def _names(page: Page) -> list[str]:
    """The classes and ids of a page."""
    found = (f"{each.get('class') or ''} {each.get('id') or ''}".split() for each in page.tree.iter())
    plain = (name for names in found for name in names if re.fullmatch(r"[A-Za-z_][\w-]*", name))
    return list(dict.fromkeys(plain))


def _less_css(css: str, *, bare: bool) -> Iterator[str]:
    """A selector without its ancestors, then without one of its last part's conditions.

    A `bare` name says enough in a row, not on a page.
    """
    cuts = [match.end() for match in _COMBINATOR.finditer(css)]
    yield from (css[cut:] for cut in cuts)
    last = css[cuts[-1] if cuts else 0 :]
    for condition in _CONDITION.finditer(last):
        less = last[: condition.start()] + last[condition.end() :]
        if _CONDITION.search(less) or (bare and less):
            yield less


def _other_css(css: str, names: list[str]) -> Iterator[str]:
    """A selector's last part with a class of the page in place of one of its own."""
    last = _COMBINATOR.split(css)[-1]
    for asked in _CLASS.finditer(last):
        for close in _close(asked[1], names):
            yield f"{last[: asked.start(1)]}{close}{last[asked.end(1) :]}"
            yield f".{close}"


def _less_xpath(xpath: str) -> Iterator[str]:
    steps = [part for part in _STEPS.split(xpath) if part.strip("/ .")]
    for count in range(len(steps) - 1, 0, -1):
        yield "//" + "/".join(part.lstrip("/") for part in steps[-count:])


def _other_xpath(xpath: str, names: list[str]) -> Iterator[str]:
    for asked in _XPATH_CLASS.finditer(xpath):
        for close in _close(asked[3].split()[-1] if asked[3].split() else "", names):
            yield f"//*[contains(concat(' ', @class, ' '), ' {close} ') or @id = '{close}']"
