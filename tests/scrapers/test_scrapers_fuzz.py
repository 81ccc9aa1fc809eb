"""Broken pages never raise anything but the room's errors, whatever a spec asks of them."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scrapers.errors import ScrapeError
from scrapers.extract import KindReader, Scope
from scrapers.guess_blocks import blocks, next_link
from scrapers.guess_fields import guessed_fields
from scrapers.links import links, refresh_target
from scrapers.nearest import nearest
from scrapers.page import Page
from scrapers.records import PageRecords, read_page
from scrapers.spec import PageKind, Site
from scrapers.spec_fields import Field
from scrapers.unread import unread
from scrapers.verdict import Judge

URL = "http://x.example/p/1?q=1"
WAYS: list[dict[str, Any]] = [
    {"css": ".a"},
    {"css": "div > p:nth-child(2)"},
    {"css": "p:has(b)"},
    {"css": "a", "attr": "href", "type": "url"},
    {"xpath": "//b[@class='a']/text()"},
    {"xpath": "string(//p)"},
    {"xpath": "count(//p)"},
    {"xpath": "//comment()"},
    {"label": "L"},
    {"label": "L", "within": ".a"},
    {"json": "a.b[0]"},
    {"json": "length(a)", "script": "script"},
    {"jsonld": "Product.offers.price"},
    {"jsonld": '"@graph"[?price > `1`].name'},
    {"in_url": r"p/(\d+)"},
    {"first_of": [{"css": ".zz"}, {"label": "M"}, {"jsonld": "Product"}]},
]
TYPES: list[dict[str, Any]] = [
    {"type": "text"},
    {"type": "money", "unit": "USD"},
    {"type": "number", "locale": "fr"},
    {"type": "area", "unit": "m2"},
    {"type": "date"},
    {"type": "category", "values": ["x", "y"]},
    {"type": "flag"},
]
FIELDS = {
    f"f_{at}_{number}": {**kind, **way}
    for at, way in enumerate(WAYS)
    for number, kind in enumerate(TYPES[: 1 if "type" in way else None])
}
ROWS: list[dict[str, str] | None] = [None, {"css": "div"}, {"css": "p:has(b)"}, {"xpath": "//p | //b/text()"}]
FOLLOW = [{"css": "a"}, {"xpath": "//@href"}, {"json": "a"}, {"css": "b", "into": "/x?c={}"}]


def site(rows: dict[str, str] | None, html: str) -> Site:
    key = {"in_url": ".*", "type": "text"}
    kind = {"url": "^/", "fields": {"key": key} | FIELDS, "follow": FOLLOW} | ({"rows": rows} if rows else {})
    spec = {"name": "x", "base_url": "http://x.example", "start": ["/"], "key": "key", "html": html}
    return Site.model_validate(spec | {"pages": {"page": kind}})


SITES = [site(rows, html) for rows in ROWS for html in ("lxml", "html5")]

linked = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=4) | st.sampled_from(["Product", "#p"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["@id", "@type", "@graph", "offers", "price", "a", "b"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)
TAGS = """
<div> <p> </p> </div> </b <dl><dt>L <dd> <table><tr> <th>L: <td> </table> <!-- --> <![CDATA[ <?php &#x0; &amp
&#99999999; <script> </script> <template> <iframe> <x:y@z> <plaintext> <form><form> </br> <select><option>
<html><body><body> <base/href=//[> <a/href=' '> $1,2.3 \u0661\u0662 \x00
"""
WITH_SPACES = (
    "<div class=a>",
    "<b class=a>",
    "<svg><a xlink:href=x>",
    "<x @click=y>",
    "<meta http-equiv=refresh content='0;url=http://[::'>",
    "<link rel=canonical href='http://a b:99999/'>",
    "1 2",
)
pieces = st.one_of(
    st.sampled_from([*TAGS.split(), *WITH_SPACES]),
    st.text(max_size=12),
    st.builds(lambda data: f"<script type=application/ld+json>{json.dumps(data)}</script>", linked),
)
pages = st.one_of(
    st.lists(pieces, max_size=25).map("".join).map(str.encode),
    st.binary(max_size=200),
    linked.map(json.dumps).map(str.encode),
)
headers = st.sampled_from(
    [
        "text/html",
        "",
        "text/html; charset=utf-16",
        "text/html; charset=nonsense",
        "application/json",
        "text/html; charset=gb2312",
    ]
)


@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(content=pages, content_type=headers, at=st.integers(0, len(SITES) - 1))
def test_reading_raises_nothing(content: bytes, content_type: str, at: int) -> None:
    spec = SITES[at]
    kind = spec.pages["page"]
    page = Page(URL, content, content_type, spec.html5)
    Judge(spec).why_no_page(page)
    refresh_target(page)
    links(page, kind, drop_query=())
    read = read_page(page, "page", KindReader(kind), spec, look_for_unread=True)
    assert isinstance(read, PageRecords)
    assert all(set(record) == {"key", "url", *FIELDS} for record in read.records)


@settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(content=pages)
def test_guessing_raises_nothing(content: bytes) -> None:
    page = Page(URL, content, "text/html; charset=utf-8")
    found = blocks(page)
    next_link(page)
    if found is not None:
        guessed_fields([Scope(page, row=each) for each in found.elements], in_rows=True)
    guessed_fields([Scope(page)], in_rows=False)
    for way in WAYS:
        assert isinstance(nearest(Scope(page), Field.model_validate({"type": "text"} | way), "price"), str)
    unread(page, PageKind.model_validate({"url": "", "fields": FIELDS}))


@pytest.mark.filterwarnings("ignore:deprecated string literal")  # jmespath's own, of what it still takes
@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    css=st.text(".#[]():>+~ a=*'\"-|,2n\\", max_size=12),
    xpath=st.text("/[]@()a'=|.:*1 ", max_size=12),
    path=st.text("[]{}?@a.`|&*'\"", max_size=10),
)
def test_selectors_are_refused_by_one_error(css: str, xpath: str, path: str) -> None:
    for way in ({"css": css}, {"xpath": xpath}, {"json": path}, {"jsonld": path}):
        try:
            kind = PageKind.model_validate({"url": "", "fields": {"x": way | {"type": "text"}}})
        except (ValueError, ScrapeError):
            continue
        KindReader(kind).read(Page(URL, b"<a class=a>1</a>", "text/html"))


@pytest.mark.parametrize("html5", [False, True])
def test_what_is_large_or_deep_ends(html5: bool) -> None:
    for content in (
        b"<div>" * 20_000,
        b"<a b=" + b"c" * 200_000,
        b"{" * 50_000,
        b"<script type=application/ld+json>" + b"[" * 50_000,
    ):
        page = Page(URL, content, "text/html", html5)
        KindReader(SITES[0].pages["page"]).read(page)
