"""Texts become typed values; a text that is not of its type is refused, never half read."""

from typing import Any

import pytest

from scrapers.errors import FieldError
from scrapers.fields import read_value
from scrapers.spec_fields import Field

PAGE = "http://shop.example/homes/1"


def value(text: str, **field: Any) -> object:
    return read_value(text, Field(css="a", **field), PAGE)


@pytest.mark.parametrize(
    ("text", "field", "expected"),
    [
        ("$215,000", {"type": "money", "unit": "USD"}, 215000.0),
        ("USD 1,234.50", {"type": "money", "unit": "USD"}, 1234.5),
        ("- €5", {"type": "money", "unit": "EUR"}, -5.0),
        ("\u22125", {"type": "number"}, -5.0),
        ("-93.61975402", {"type": "number"}, -93.61975402),
        ("lot-5", {"type": "number"}, 5.0),
        (".5", {"type": "number"}, 0.5),
        ("12\u202f345\u00a0678", {"type": "number"}, 12345678.0),
        ("2 cars", {"type": "number"}, 2.0),
        ("9,600 sq. ft.", {"type": "area", "unit": "sqft"}, 9600.0),
        ("9,600", {"type": "area", "unit": "sqft"}, 9600.0),
        ("0.25 acres", {"type": "area", "unit": "sqft"}, 10890.0),
        ("2 ha", {"type": "area", "unit": "m2"}, 20000.0),
        ("120 m2", {"type": "area", "unit": "m2"}, 120.0),
        ("2008-05-31", {"type": "date"}, "2008-05-31"),
        ("May 31, 2010", {"type": "date"}, "2010-05-31"),
        ("31.5.2010", {"type": "date"}, "2010-05-31"),
        ("2010-05-31T12:00:00Z", {"type": "date"}, "2010-05-31"),
        ("May 2010", {"type": "date"}, "2010-05"),
        (" Very\n  good ", {"type": "category", "levels": ("Bad", "Very good")}, "Very good"),
        (" a \u00a0 b ", {"type": "text"}, "a b"),
        ("Yes", {"type": "flag"}, True),
        ("no", {"type": "flag"}, False),
        ("../a?b#c", {"type": "url"}, "http://shop.example/a?b"),
        ("rated 6 out of 10", {"type": "number", "pattern": r"(\d+) out of 10"}, 6.0),
        ("0526301100, sold", {"type": "text", "pattern": r"\d{10}"}, "0526301100"),
        ("  ", {"type": "number"}, None),
        ("1.234,50 €", {"type": "money", "unit": "EUR", "locale": "de"}, 1234.5),
        ("EUR 1.234.567,-", {"type": "money", "unit": "EUR", "locale": "de"}, 1234567.0),
        ("12,5 m²", {"type": "area", "unit": "m2", "locale": "de"}, 12.5),
        ("1\u00a0234,5", {"type": "number", "locale": "de"}, 1234.5),
        ("1 234,5 kr", {"type": "number", "locale": "sv"}, 1234.5),
        ("1\u202f234 567", {"type": "number", "locale": "fr"}, 1234567.0),
        ("CHF 1\u2019234.50", {"type": "money", "unit": "CHF", "locale": "de-CH"}, 1234.5),
        ("Preis: 19,90 statt 25", {"type": "money", "locale": "de", "pattern": r"Preis: ([\d,]+)"}, 19.9),
    ],
)
def test_read(text: str, field: dict[str, Any], expected: object) -> None:
    assert value(text, **field) == expected


@pytest.mark.parametrize(
    ("text", "field", "said"),
    [
        ("€5", {"type": "money", "unit": "USD"}, "expected money in USD, got '€5'"),
        ("5 GBP", {"type": "money", "unit": "EUR"}, "expected money in EUR"),
        ("$1.2 million", {"type": "money"}, "written out in figures"),
        ("215k", {"type": "money"}, "written out in figures"),
        ("price on request", {"type": "money"}, "with one plain number"),
        ("1.234,56", {"type": "number"}, "with one plain number"),
        ("1,23", {"type": "number"}, "with one plain number"),
        ("1.23", {"type": "number", "locale": "de"}, "with one plain number"),
        ("1,234.5", {"type": "number", "locale": "de"}, "with one plain number"),
        ("3 of 10", {"type": "number"}, "with one plain number"),
        ("1e5", {"type": "number"}, "with one plain number"),
        ("9,600 perches", {"type": "area", "unit": "sqft"}, "expected an area in sqft"),
        ("5/6/2010", {"type": "date"}, "expected a date"),
        ("2010-02-30", {"type": "date"}, "expected a date"),
        ("Fine", {"type": "category", "values": ("Good",)}, "expected one of Good, got 'Fine'"),
        ("maybe", {"type": "flag"}, "expected yes or no"),
        ("javascript:x()", {"type": "url"}, "expected an http(s) link"),
        ("unrated", {"type": "number", "pattern": r"(\d+) out of 10"}, "expected text with pattern"),
    ],
)
def test_refused(text: str, field: dict[str, Any], said: str) -> None:
    with pytest.raises(FieldError) as caught:
        value(text, **field)
    assert said in str(caught.value)
