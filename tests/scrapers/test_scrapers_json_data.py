"""Fields from JSON: a page of it, JSON-LD, data in a script; and several ways to one field."""

import json
from typing import Any

import pytest

from scrapers.extract import KindReader
from scrapers.json_data import as_text, within_script
from scrapers.page import Page
from scrapers.spec import PageKind
from scrapers.spec_fields import Field

LINKED = """<script type="application/ld+json">{"@context": "https://schema.org", "@graph": [
{"@type": "Product", "@id": "#p", "name": "Lamp", "offers": {"@id": "#o"}},
{"@type": ["Offer", "Thing"], "@id": "#o", "price": 1234.5, "priceCurrency": "EUR"}]}</script>
<script type='Application/LD+JSON'>[{"@id": "#p", "sku": "00L1", "name": "Other"}]</script>
<script type="application/ld+json">{ broken</script>"""


def read(content: str, url: str = "http://shop.example/p/7?x=1", **kind: Any) -> list[dict[str, Any]]:
    return KindReader(PageKind.model_validate({"url": "^/"} | kind)).read(Page(url, content.encode()))


def one(content: str, **way: Any) -> str | None:
    return read(content, fields={"x": {"type": "text"} | way})[0]["x"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("Product.name", "Lamp"),
        ("Product.sku", "00L1"),
        ("Product.offers.price", "1234.5"),
        ("Offer.priceCurrency", "EUR"),
        ("Thing.price", "1234.5"),
        ('"@graph"[].name', "Lamp"),
        ("Nothing.name", None),
        ("length(Nothing)", None),
    ],
)
def test_json_ld_is_one_graph(path: str, text: str | None) -> None:
    assert one(LINKED, jsonld=path) == text


def test_types_may_be_addresses_and_names_may_go_round_in_circles() -> None:
    html = """<script type="application/ld+json">[{"@type": "http://schema.org/Book", "@id": "a",
        "author": {"@id": "b"}, "name": "A"},
        {"@type": "Person", "@id": "b", "wrote": [{"@id": "a"}]}]</script>"""
    assert one(html, jsonld="Book.author.wrote[0].name") == "A"


def test_a_page_of_json_and_its_rows() -> None:
    page = json.dumps({"total": 2, "homes": [{"id": "01", "price": 5}, {"id": "02", "price": None}]})
    assert one(page, json="total") == "2"
    assert one("\ufeff" + page, json="homes[1].id") == "02"
    assert one("<p>", json="total") is None
    fields = {"pid": {"json": "id", "type": "text"}, "price": {"json": "price", "type": "money"}}
    rows = read(page, rows={"json": "homes"}, fields=fields)
    assert rows == [{"pid": "01", "price": "5"}, {"pid": "02", "price": None}]


def test_data_in_a_script() -> None:
    html = """<script src=x></script><script id=state>window.x = {}; var data = [{"a": "</b>", "n": 1e-7}];
        go(data)</script>"""
    assert one(html, json="[0].a", script="#state") == "</b>"
    assert one(html, json="[0].n", script="#state") == "0.0000001"
    assert one(html, json="[0].a", script="#other") is None
    rows = read(html, rows={"json": "[]", "script": "#state"}, fields={"x": {"json": "a", "type": "text"}})
    assert rows == [{"x": "</b>"}]


def test_rows_of_json_ld() -> None:
    html = """<script type="application/ld+json">{"@type": "ItemList", "itemListElement": [
        {"@type": "ListItem", "item": {"name": "a"}},
        {"@type": "ListItem", "item": {"name": "b"}}]}</script>"""
    rows = read(
        html,
        rows={"jsonld": "ItemList.itemListElement[].item"},
        fields={"name": {"jsonld": "name", "type": "text"}},
    )
    assert rows == [{"name": "a"}, {"name": "b"}]


def test_within_a_row_of_elements_its_own_scripts_count() -> None:
    script = '<script type="application/ld+json">{"@type": "Product", "name": "%s"}</script>'
    html = "".join(f"<li>{script % name}</li>" for name in "ab")
    for rows in ({"css": "li"}, {"xpath": "//li"}):
        found = read(html, rows=rows, fields={"x": {"jsonld": "Product.name", "type": "text"}})
        assert found == [{"x": "a"}, {"x": "b"}]


def test_the_first_way_that_finds_a_text_counts() -> None:
    ways = [
        {"css": ".new"},
        {"xpath": "//b", "attr": "data-v"},
        {"label": "Price"},
        {"jsonld": "Product.sku"},
    ]
    table = "<dl><dt>Price<dd>7</dl>"
    assert one("<i class=new>5</i><b data-v=6></b>", first_of=ways) == "5"
    assert one("<i class=new> </i><b data-v=6></b>" + table, first_of=ways) == "6"
    assert one("<b>9</b>" + table + LINKED, first_of=ways) == "7"
    assert one("<i class=new> </i>", first_of=ways) == " "
    assert one("<p>", first_of=ways) is None


def test_a_key_in_the_url() -> None:
    assert one("<p>", in_url=r"^/p/(\d+)") == "7"
    assert one("<p>", in_url=r"x=\d") == "x=1"
    assert one("<p>", in_url="^/q") is None


@pytest.mark.parametrize(
    ("value", "mark", "text"),
    [
        (True, ".", "true"),
        (12.50, ",", "12,5"),
        (1e21, ".", "1000000000000000000000"),
        ([None, "b", "c"], ".", "b"),
        ([], ".", None),
        ({"a": "é"}, ".", '{"a": "é"}'),
        (float("inf"), ".", "inf"),
    ],
)
def test_values_as_texts(value: Any, mark: str, text: str | None) -> None:
    assert as_text(value, decimal_mark=mark) == text


def test_a_script_of_brackets_ends() -> None:
    assert within_script("[" * 100_000) is None
    assert within_script("function f() { return {} }") is None


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ({"css": "a", "json": "b"}, "exactly one of css, xpath, label, json, jsonld, in_url or first_of"),
        ({"css": "a", "script": "b"}, "script is for json"),
        ({"json": "a["}, "not a JMESPath"),
        ({"first_of": []}, "first_of"),
        ({"css": "a", "locale": "de"}, "locale is for money, numbers and areas, not text"),
    ],
)
def test_fields_that_make_no_sense(field: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Field.model_validate({"type": "text"} | field)


def test_in_rows_of_json_only_json_is_read() -> None:
    with pytest.raises(ValueError, match=r"fields\.x: expected json without script .* got css 'a'"):
        read("{}", rows={"json": "a"}, fields={"x": {"css": "a", "type": "text"}})
