"""A probe shows one page's records and which selectors matched nothing."""

import sys
from typing import Any

import pytest

from scrapers.errors import ScrapeError
from scrapers.probe import probe


def test_a_page_field_by_field(web: Any) -> None:
    html = (
        web.home(1, price="call us", extra="<a href=/x>x</a>").replace("<h1", "<h2").replace("</h1", "</h2")
    )
    web.page("/homes/1", html)
    result = probe(web.url + "/homes/1", web.site())
    fields = {field.name: field for field in result.records[0]}
    assert (result.kind, result.unmatched) == ("home", ["title"])
    assert (fields["lot_area"].text, fields["lot_area"].value) == ("2,000 sq ft", 2000.0)
    assert "one plain number" in fields["price"].problem
    shown = result.format()
    lines = [line.split() for line in shown.splitlines()]
    assert ["lot_area", "2000.0", "2,000", "sq", "ft", "label", "'Lot", "area'"] in lines
    assert ["price", "!", "call", "us", "css", "'.price'"] in lines
    assert "\n          ^ expected money with one plain number, got 'call us'\n" in shown
    assert "read by no field:\n  Home 1\n" in shown
    assert shown.endswith("matched nothing: 1 of 5 fields\n  title: xpath \"//h1[@class='title']\"")


def test_it_says_which_way_and_what_read_it(web: Any) -> None:
    web.page("/homes/1", web.home(1))
    pages = web.spec()["pages"]
    ways = [{"css": ".gone"}, {"css": "h1:has(+ span)"}]
    pages["home"]["fields"]["title"] = {"first_of": ways, "type": "text"}
    result = probe(web.url + "/homes/1", web.site(pages=pages))
    fields = {field.name: field for field in result.records[0]}
    assert (fields["title"].selector, fields["title"].engine) == ("css 'h1:has(+ span)'", "BeautifulSoup")
    assert fields["price"].engine == "lxml"
    assert "css 'h1:has(+ span)' (by BeautifulSoup)" in result.format()


def test_a_page_that_only_leads_on(web: Any) -> None:
    web.fill(20)
    result = probe(web.url + "/list", web.site())
    assert (len(result.links), result.records, result.unmatched) == (11, [], [])
    assert "0 record(s), 11 link(s)" in result.format()


@pytest.mark.slow  # starts a browser
def test_a_page_that_only_a_browser_sees(web: Any) -> None:
    script = (
        "document.body.innerHTML = '<i class=pin data-pid=7></i><i class=pin data-pid=8></i><b id=done></b>'"
    )
    web.page("/map", f"<body><script>{script}</script>")
    pins = {"url": "^/map", "browser": {"wait_for": "#done"}, "rows": {"css": ".pin"}, "joins": "home"}
    pins["fields"] = {"pid": {"css": ":scope", "attr": "data-pid", "type": "text"}}
    result = probe(web.url + "/map", web.site(pages=web.spec()["pages"] | {"map": pins}))
    assert [[field.value for field in record] for record in result.records] == [["7"], ["8"]]


def test_the_sites_own_server_is_started(web: Any, tmp_path: Any) -> None:
    (tmp_path / "homes").mkdir()
    (tmp_path / "homes" / "index.html").write_text(web.home(1))
    port = web.url.rpartition(":")[2]
    web.close()
    command = [sys.executable, "-m", "http.server", port, "--bind", "127.0.0.1", "--directory", str(tmp_path)]
    result = probe(web.url + "/homes/", web.site(server={"command": command}))
    assert result.unmatched == []


def test_what_cannot_be_probed_is_one_line(web: Any) -> None:
    for url, said in (
        (web.url + "/homes/404", "expected a page, got 404 Not Found"),
        (web.url + "/about", r"of a kind of page \(list, home\)"),
        ("http://other.invalid/homes/1", "expected a URL of"),
    ):
        with pytest.raises(ScrapeError, match=said) as caught:
            probe(url, web.site())
        assert "\n" not in str(caught.value)
