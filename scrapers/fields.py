"""A field's text into its value: money, numbers, areas, dates, categories, flags and URLs."""

import re
from collections.abc import Callable
from datetime import datetime

from scrapers.errors import FieldError
from scrapers.spec_fields import Field
from scrapers.urls import absolute

Value = str | float | bool | None

_FIGURES = re.compile(r"\.?\d(?:[\d.,'\u2019]*\d)?")
_PLAIN_FIGURES = re.compile(r"(?:\d{1,3}(?:([,'\u2019])\d{3})(?:\1\d{3})*|\d+)(?:\.\d+)?|\.\d+")
_DECIMAL_COMMA = frozenset(
    {"de", "da", "es", "fi", "fr", "id", "it", "nb", "nl", "pl", "pt", "ru", "sv", "tr"}
)
_SPACED = frozenset({"fi", "fr", "nb", "pl", "ru", "sv"})  # where an ordinary space groups thousands too
_SWAPPED = str.maketrans(".,", ",.")
_PLAIN_SPACED_THOUSANDS = re.compile(r"(?<=\d) (?=\d{3}(?!\d))")
# A no-break or thin space between three digits and others groups thousands; an ordinary space does not.
_SPACED_THOUSANDS = re.compile(r"(?<=\d)[\u00a0\u2009\u202f](?=\d{3}(?!\d))")
_MINUS = re.compile(r"(?:^|\s)[-\u2212][^\w-]*$")
_NO_MARKS = str.maketrans("", "", ",'\u2019")
_MAGNITUDE = re.compile(r"(?:k|mn|bn|thousand|million|billion|lakh|crore)\b", re.IGNORECASE)
_CURRENCIES = {
    "$": {"USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN"},
    "€": {"EUR"},
    "£": {"GBP"},
    "¥": {"JPY", "CNY"},
    "₹": {"INR"},
}
_CODE = re.compile(r"\b(?:USD|CAD|AUD|NZD|SGD|HKD|MXN|EUR|GBP|JPY|CNY|INR|CHF|SEK|NOK|DKK|PLN|CZK)\b")
_SQUARE_METRES = {"sqft": 0.09290304, "m2": 1.0, "sqyd": 0.83612736, "acre": 4046.8564224, "ha": 10_000.0}
_AREA_NAMES = {
    "sqft": re.compile(r"sq\.? ?f(?:oo|ee)?t\.?|square f(?:oo|ee)t|ft²|sf", re.IGNORECASE),
    "m2": re.compile(r"m²|sq\.? ?m\.?|sqm|square met(?:er|re)s?|qm", re.IGNORECASE),
    "sqyd": re.compile(r"sq\.? ?yd\.?|sqyd|square yards?", re.IGNORECASE),
    "acre": re.compile(r"acres?|ac\.?", re.IGNORECASE),
    "ha": re.compile(r"ha|hectares?", re.IGNORECASE),
}
_SQUARED = re.compile(r"(?<=[A-Za-z])\^?2\b")
_DAY_FORMATS = ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d %B %Y", "%d %b %Y", "%B %d, %Y", "%b %d, %Y")
_MONTH_FORMATS = ("%Y-%m", "%B %Y", "%b %Y")
_FLAGS = {
    "yes": True,
    "true": True,
    "y": True,
    "1": True,
    "no": False,
    "false": False,
    "n": False,
    "0": False,
}


def fold(text: str) -> str:
    """The text with each run of white space as one space, none at the ends."""
    return " ".join(text.split())


def decimal_mark(locale: str | None) -> str:
    """What stands before the decimals of a number in a locale's manner."""
    return "," if locale in _DECIMAL_COMMA else "."


def _in_english(text: str, locale: str | None) -> str:
    """A text whose numbers are written in a locale's manner, with its numbers as English writes them."""
    if locale in _SPACED:
        text = _PLAIN_SPACED_THOUSANDS.sub(".", text)
    if locale in _DECIMAL_COMMA:
        text = _FIGURES.sub(lambda figures: figures[0].translate(_SWAPPED), text)
    return text


def read_value(text: str, field: Field, page_url: str) -> Value:
    """The value that a field's text means; None for a blank text.

    Numbers, money and areas are floats in the field's unit, dates ISO texts (YYYY-MM-DD, or YYYY-MM), flags
    bools, URLs absolute, categories and texts have their white space folded. Raises FieldError when the text
    is not of the field's type, lacks its pattern, or is none of its levels or values.
    """
    numeric = field.type in {"money", "number", "area"}
    if numeric and not text.isascii():
        text = _SPACED_THOUSANDS.sub("." if field.locale in _DECIMAL_COMMA else ",", text)
    folded = fold(text)
    if not folded:
        return None
    if field.pattern is not None:
        found = re.search(field.pattern, folded)
        if found is None:
            raise FieldError(f"expected text with pattern {field.pattern!r}, got {folded!r:.80}")
        folded = fold(found[1 if found.re.groups else 0] or "")
    if field.locale is not None and numeric:
        folded = _in_english(folded, field.locale)
    if not folded:
        return None
    return _link(folded, page_url) if field.type == "url" else _CONVERTERS[field.type](folded, field)


def _link(link: str, page_url: str) -> str:
    url = absolute(link, page_url)
    if url is None:
        raise FieldError(f"expected an http(s) link, got {link!r:.80}")
    return url


def _number(text: str, field: Field) -> float:
    return _figures(text, field.type)[0]


def _money(text: str, field: Field) -> float:
    amount, rest = _figures(text, "money")
    named = [_CURRENCIES[sign] for sign in _CURRENCIES if sign in rest] + [
        {code} for code in _CODE.findall(rest)
    ]
    if field.unit is not None and any(field.unit not in currencies for currencies in named):
        raise FieldError(f"expected money in {field.unit}, got {text!r:.80}")
    return amount


def _area(text: str, field: Field) -> float:
    # The 2 of m2 and ft2 is no figure of the size.
    size, rest = _figures(_SQUARED.sub("²", text), "area")
    rest = rest.strip()
    came = next((unit for unit, names in _AREA_NAMES.items() if names.fullmatch(rest)), None)
    if not rest or field.unit is None or came == field.unit:
        return size
    if came is None or field.unit not in _SQUARE_METRES:
        raise FieldError(f"expected an area in {field.unit}, got {text!r:.80}")
    return size * _SQUARE_METRES[came] / _SQUARE_METRES[field.unit]


def _figures(text: str, kind: str) -> tuple[float, str]:
    """The one number of a text, and the text around it."""
    if text.isascii() and text.isdecimal():
        return float(text), ""
    found = list(_FIGURES.finditer(text))
    if len(found) != 1 or not _PLAIN_FIGURES.fullmatch(found[0][0]):
        raise FieldError(f"expected {kind} with one plain number, got {text!r:.80}")
    before, after = text[: found[0].start()], text[found[0].end() :]
    if _MAGNITUDE.match(after.lstrip()):
        raise FieldError(f"expected {kind} written out in figures, got {text!r:.80}")
    minus = bool(before) and _MINUS.search(before) is not None
    size = float(found[0][0].translate(_NO_MARKS))
    return (-size if minus else size), before + after


def _date(text: str, _: Field) -> str:
    for form in _DAY_FORMATS:
        found = _parsed(text, form)
        if found is not None:
            return found.date().isoformat()
    for form in _MONTH_FORMATS:
        found = _parsed(text, form)
        if found is not None:
            return f"{found:%Y-%m}"
    try:
        return datetime.fromisoformat(text).date().isoformat()
    except ValueError:
        raise FieldError(
            f"expected a date like 2010-05-31, 31 May 2010 or May 2010, got {text!r:.80}"
        ) from None


def _parsed(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form)
    except ValueError:
        return None


def _category(text: str, field: Field) -> str:
    if field.allowed and text not in field.allowed:
        raise FieldError(f"expected one of {', '.join(field.allowed)}, got {text!r:.80}")
    return text


def _text(text: str, _: Field) -> str:
    return text


def _flag(text: str, _: Field) -> bool:
    value = _FLAGS.get(text.lower())
    if value is None:
        raise FieldError(f"expected yes or no, got {text!r:.80}")
    return value


_CONVERTERS: dict[str, Callable[[str, Field], Value]] = {
    "money": _money,
    "number": _number,
    "area": _area,
    "date": _date,
    "category": _category,
    "text": _text,
    "flag": _flag,
}
