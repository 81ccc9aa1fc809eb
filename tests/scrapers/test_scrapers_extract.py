"""Selectors find the texts they name: CSS, XPath, labels, rows, broken HTML, any encoding."""

from typing import Any

import pytest

from scrapers.extract import KindReader
from scrapers.fields import fold
from scrapers.page import Page
from scrapers.spec import PageKind

URL = "http://shop.example/homes/1"


def read(
    html: str | bytes, content_type: str = "text/html; charset=utf-8", **kind: Any
) -> list[dict[str, Any]]:
    content = html.encode() if isinstance(html, str) else html
    reader = KindReader(PageKind.model_validate({"url": "^/"} | kind))
    return reader.read(Page(URL, content, content_type))


def one(html: str | bytes, content_type: str = "text/html; charset=utf-8", **selector: Any) -> str | None:
    return read(html, content_type, fields={"x": {"type": "text"} | selector})[0]["x"]


TABLE = """
<dl><div><dt>Lot  area:</dt><dd>9,600</dd></div><dt>Power (hp)</dt><dd>12</dd>
<dt>Power</dt><dd>9 <b>kW</b><!-- old --></dd>
<dt>Alone</dt><dt>Next</dt><dd>n</dd></dl>
<table><thead><tr><th>A</th><th>B</th></tr></thead><tr><th scope=row>Roof</th><td data-v=7>Hip</td></tr>
<tr><th>Power</th><td>second</td></tr></table>
"""


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("Lot area", "9,600"),
        ("Power", "9 kW"),
        ("Power (hp)", "12"),
        ("Roof", "Hip"),
        ("Next", "n"),
        ("Alone", None),
        ("A", None),
        ("power", None),
    ],
)
def test_labels_are_exact_and_the_first_counts(label: str, text: str | None) -> None:
    assert one(TABLE, label=label) == text


def test_a_label_within_its_own_table() -> None:
    html = "<div id=a><dl><dt>Type<dd>one</dl></div><div id=b><table><tr><th>Type:<td>two</table></div>"
    assert one(html, label="Type") == "one"
    assert one(html, label="Type", within="#b") == "two"
    assert one(html, label="Type", within="#c") is None
    row = read(html, rows={"css": "#b"}, fields={"x": {"label": "Type", "within": "table", "type": "text"}})
    assert row == [{"x": "two"}]


@pytest.mark.parametrize("field", [{"css": "b", "within": "#a"}, {"label": "x", "within": "div:has(b)"}])
def test_where_a_label_may_be_looked_for(field: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="within"):
        one("<p>", **field)


def test_attributes() -> None:
    html = "<time class='sold on' datetime=2008-05>May</time><a href='/x'>y</a>"
    assert one(html, css="time.sold", attr="datetime") == "2008-05"
    assert one(html, xpath="//time", attr="datetime") == "2008-05"
    assert one(html, xpath="//time/@datetime") == "2008-05"
    assert one(html, css="time", attr="title") is None
    assert one(html, css="time", attr="class") == "sold on"
    assert one(html, css="a", type="url") == "/x"
    assert one(TABLE, label="Roof", attr="data-v") == "7"


def test_a_selector_that_matches_nothing_gives_none_and_a_blank_text_does_not() -> None:
    assert one("<p class=a></p>", css=".b") is None
    assert one("<p class=a></p>", xpath="//b") is None
    assert one("<p class=a></p>", css=".a") == ""


def test_xpath_may_compute_a_text() -> None:
    assert one("<p>a: 5</p>", xpath="substring-after(//p, 'a: ')") == "5"


ROWS = """<div id=map><a class=pin data-pid=1><i>x</i><b>10</b></a>
<a class=pin data-pid=2><b>20</b></a></div><b>no</b>"""


@pytest.mark.parametrize("rows", [{"css": "#map .pin"}, {"xpath": "//*[@id='map']/a"}])
def test_rows_are_read_each_for_itself_with_either_language(rows: dict[str, str]) -> None:
    fields = {
        "pid": {"css": ":scope", "attr": "data-pid", "type": "text"},
        "same": {"xpath": "./@data-pid", "type": "text"},
        "b": {"css": "b", "type": "text"},
        "b_too": {"xpath": "//b", "type": "text"},
        "i": {"xpath": ".//i", "type": "text"},
    }
    assert read(ROWS, rows=rows, fields=fields) == [
        {"pid": "1", "same": "1", "b": "10", "b_too": "10", "i": "x"},
        {"pid": "2", "same": "2", "b": "20", "b_too": "20", "i": None},
    ]


def test_table_rows_keep_their_cells() -> None:
    html = "<table><tr class=r><th>L</th><td>1</td></tr><tr class=r><th>L</th><td>2</td></tr></table>"
    fields = {
        "x": {"css": "td", "type": "text"},
        "y": {"xpath": ".//td", "type": "text"},
        "z": {"label": "L", "type": "text"},
    }
    for rows in ({"css": "tr.r"}, {"xpath": "//tr"}):
        assert [set(row.values()) for row in read(html, rows=rows, fields=fields)] == [{"1"}, {"2"}]


def test_badly_nested_html() -> None:
    html = """<div class=a><p>one<div><b>two<i></b>three</i><li>four
        <dl><dt>L<dd>v<dt>M<dd>w</div></p><span class=z>end"""
    assert one(html, css=".z") == "end"
    assert one(html, xpath="//span") == "end"
    assert one(html, label="L") == "v"
    assert one(html, label="M") == "w"


@pytest.mark.parametrize(
    "html",
    [
        b"",
        b" ",
        b"\x00",
        b"<!-- -->",
        b"%PDF-1.4 \x00\xff",
        b"http://a.example",
        b"<" * 5000,
        b"<p><?x <![CDATA[",
    ],
)
def test_what_is_hardly_html_gives_nothing(html: bytes) -> None:
    assert one(html, css=".a") is None
    assert one(html, xpath="//b") is None
    assert one(html, label="L") is None


@pytest.mark.parametrize(
    "stray", ["<b class=z>end</b>", "<p>x</p><b class=z>end</b>", "text <b class=z>end</b>"]
)
def test_what_stands_after_the_end_is_of_the_page(stray: str) -> None:
    html = f"<html><body><p>one</p></body></html>{stray}"
    assert one(html, css="body .z") == "end"
    assert one(html, xpath="//body//b") == "end"


def test_deep_nesting_is_read() -> None:
    html = "<div>" * 1500 + "<b class=x>deep</b>"
    assert one(html, css=".x") == "deep"


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        ("<p>café</p>".encode("latin-1"), "text/html; charset=iso-8859-1"),
        (b'<meta charset="windows-1252"><p>caf\xe9</p>', "text/html"),
        ("\ufeff<p>café</p>".encode("utf-16-le"), "text/html; charset=latin-1"),
        ("<?xml version='1.0' encoding='utf-8'?><p>café</p>".encode(), "application/xhtml+xml"),
        ("<p>café</p>".encode(), ""),
    ],
)
def test_encodings(content: bytes, content_type: str) -> None:
    assert one(content, content_type, css="p") == "café"
    assert one(content, content_type, xpath="//p") == "café"


SELECTORS = """
.b | p.b | #i | p#i.b | div > .b | *|b | b | B | .a .b | .b:not(.c) | .b.c | .a, .c | :is(.b, i) | .b[id]
.b:nth-of-type(2) | i + b | div:has(i) | .nothing | #nothing, .c | :not(html, body) | [class="b c"]
[class~=c] | html | :root
"""


@pytest.mark.parametrize("css", SELECTORS.strip().replace("\n", " | ").split(" | "))
def test_a_selector_finds_what_beautifulsoup_finds(css: str) -> None:
    html = """<div class=a><p class='b c' id=i>1</p><p class=b>2</p><i>3</i>
        <b class=' c  b '>4</b></div><p class=c>5"""
    found = Page(URL, html.encode()).soup.select_one(css)
    text = one(html, css=css)
    # BeautifulSoup folds what is white space only.
    assert (text if text is None else fold(text)) == (None if found is None else fold(found.get_text()))


def test_canonical_link() -> None:
    def link(head: str) -> str | None:
        return Page(
            URL, f"<html><head>{head}</head><body><a rel=canonical href=/no>".encode()
        ).canonical_link()

    assert link("<LINK HREF='/homes/2' REL='Canonical'>") == "http://shop.example/homes/2"
    assert link("<link rel=stylesheet href=/a.css>") is None
    assert link("") is None
