"""A page's text under every way to name its character set, and its tree as a browser would build it."""

import pytest

from scrapers.page import Page

URL = "http://x.example/"
WORD = "café € “x”"


@pytest.mark.parametrize(
    ("content", "content_type", "text"),
    [
        # The header, then the page's own meta element.
        ("é".encode("iso-8859-2"), "text/html; charset=iso-8859-2", "é"),
        (b'<meta charset="koi8-r">' + "ж".encode("koi8-r"), "text/html", "ж"),
        (
            b"<meta http-equiv=Content-Type content='text/html; charset=shift_jis'>"
            + "語".encode("shift_jis"),
            "text/html",
            "語",
        ),
        (b'<meta charset="koi8-r">' + "é".encode(), "text/html; charset=utf-8", "é"),
        # A byte order mark over both.
        (b"\xef\xbb\xbf<meta charset=koi8-r>" + WORD.encode(), "text/html; charset=koi8-r", WORD),
        (("\ufeff" + WORD).encode("utf-16-le"), "text/html; charset=utf-8", WORD),
        (("\ufeff" + WORD).encode("utf-16-be"), "text/html", WORD),
        # Names that mean another set than they say.
        (WORD.encode("cp1252"), "text/html; charset=iso-8859-1", WORD),
        (WORD.encode("cp1252"), "text/html; charset=us-ascii", WORD),
        (b"<meta charset=latin1>" + WORD.encode("cp1252"), "text/html", WORD),
        ("朱镕基".encode("gbk"), "text/html; charset=gb2312", "朱镕基"),
        (b"<meta charset=utf-16>" + WORD.encode(), "text/html", WORD),
        # Without any: UTF-8 if it is, else what Western browsers take.
        (WORD.encode(), "text/html", WORD),
        (WORD.encode("cp1252"), "text/html", WORD),
        (WORD.encode(), "", WORD),
        # A set that nobody knows is none.
        (WORD.encode(), "text/html; charset=klingon", WORD),
    ],
)
def test_character_sets(content: bytes, content_type: str, text: str) -> None:
    page = Page(
        URL,
        b"<p>" + content if not content.startswith((b"\xff", b"\xfe", b"\xef")) else content,
        content_type,
    )
    assert page.text.endswith(text)
    assert "".join(page.tree.itertext()).endswith(text)


def test_a_page_that_is_half_broken_utf_8_stays_utf_8() -> None:
    page = Page(URL, b"<meta charset=utf-8><p>caf\xc3\xa9 \xff", "text/html")
    assert page.text.endswith("café \ufffd")


BROKEN = [
    # what stands between a table's rows is put before the table
    ("<table><p>x<tr><td>a</table>", "//table/preceding-sibling::p", "x"),
    # a bold text goes on in the next paragraph
    ("<p><b>one<p>two</b>three", "//p[2]/b", "two"),
    ("<a href=1>x<a href=2>y", "//a[2]", "y"),
    ("<p>x\x00y</p>", "//p", "xy"),
    ("<select><div>no</div><option>o", "//select//option", "o"),
    ("<!-- a --!><p>x</p>", "//p", "x"),
    ("<table><tr><th>L<td>v", "//table/tbody/tr/td", "v"),
    ("<dl><dt>a<dd>b<dt>c<dd>d</dl>", "//dt[2]/following-sibling::dd", "d"),
    ("<textarea><b>x</b></textarea>", "//textarea", "<b>x</b>"),
    ("<title>a &amp; <b></title>", "//title", "a & <b>"),
    ("<p>&notit; &#128;</p>", "//p", "¬it; €"),
]


@pytest.mark.parametrize(("html", "xpath", "text"), BROKEN)
def test_html5_is_read_as_a_browser_reads_it(html: str, xpath: str, text: str) -> None:
    page = Page(URL, html.encode(), "text/html; charset=utf-8", html5=True)
    assert page.tree.xpath(f"string({xpath})") == text


def test_html5_serves_both_trees_and_odd_names() -> None:
    html = '<x:y @click=a "=b><p class=z>1</p><template><p class=z>2</p></template></x:y>' + "<div>" * 3000
    page = Page(URL, html.encode(), html5=True)
    assert [tag.get_text() for tag in page.soup.select("p.z")] == ["1"]
    assert 2000 < page.tree.xpath("count(//div)") < 2048
    assert page.tree.xpath("//p[@class='z']/text()") == ["1"]
