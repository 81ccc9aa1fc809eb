"""What type of field some texts are of, and what a field may be called."""

import re
from collections.abc import Sequence
from typing import Any

from scrapers.errors import FieldError
from scrapers.fields import fold, read_value
from scrapers.spec_fields import Field

_SIGNS = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR"}
_CODE = re.compile(r"\b(USD|EUR|GBP|JPY|INR|CHF|CAD|AUD|SEK|NOK|DKK|PLN|CZK)\b")
_AREA = {
    "sqft": r"sq\.? ?ft\.?|square feet|ft²",
    "m2": "m²|sqm|sq m",
    "acre": "acres?",
    "ha": "ha|hectares?",
}
_NUMBER = re.compile(r"[-\u2212]?\d[\d.,]*\s?(?:[A-Za-z%²°]{0,6})")
_CODE_LIKE = re.compile(r"0\d+|\d{9,}")
_COMMA = re.compile(r"\d,\d{1,2}(?!\d)|\d\.\d{3},\d")
_FLAGS = frozenset({"yes", "no", "true", "false"})
_NOT_NAMES = re.compile(r"[^a-z0-9]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def guessed_type(texts: Sequence[str]) -> dict[str, Any]:
    """The type of texts as a spec says it (`{type: money, unit: EUR}`): the first that reads all."""
    plain = [fold(text) for text in texts if fold(text)]
    for guess in _guesses(plain) if plain else []:
        if all(_can_be_read(text, guess) for text in plain):
            return guess
    return {"type": "text"}


def field_name(text: str) -> str:
    """A label, class or key as the name of a field; empty where nothing is left of it."""
    name = _NOT_NAMES.sub("_", _CAMEL.sub("_", text).lower()).strip("_")[:40].strip("_")
    return f"n_{name}" if name[:1].isdigit() else name


def _guesses(texts: list[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    locale = {"locale": "de"} if any(_COMMA.search(text) for text in texts) else {}
    currencies = {_currency(text) for text in texts}
    if len(currencies) == 1 and (unit := currencies.pop()):
        found.append({"type": "money", "unit": unit} | locale)
    for unit, names in _AREA.items():
        if all(re.search(rf"\d\s?(?:{names})$", text, re.IGNORECASE) for text in texts):
            found.append({"type": "area", "unit": unit} | locale)
    if all(text.lower() in _FLAGS for text in texts):
        found.append({"type": "flag"})
    if all(_NUMBER.fullmatch(text) and not _CODE_LIKE.fullmatch(text) for text in texts):
        units = {text.lstrip("-\u2212 0123456789.,") for text in texts}
        unit_named = {"unit": units.pop()} if len(units) == 1 and "" not in units else {}
        found.append({"type": "number"} | unit_named | locale)
    return [*found, {"type": "date"}]


def _currency(text: str) -> str:
    code = _CODE.search(text)
    return code[1] if code else next((name for sign, name in _SIGNS.items() if sign in text), "")


def _can_be_read(text: str, guess: dict[str, Any]) -> bool:
    try:
        return read_value(text, Field.model_validate({"css": "*"} | guess), "http://localhost/") is not None
    except FieldError:
        return False
