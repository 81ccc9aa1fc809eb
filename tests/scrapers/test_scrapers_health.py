"""A template that changes, a field that falls, texts nobody reads: each is told, with what would match."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scrapers.errors import SelectorError
from scrapers.extract import Scope
from scrapers.fetched import Fetched
from scrapers.health import Health, as_report, from_report
from scrapers.nearest import nearest
from scrapers.page import Page
from scrapers.parse import Parsed, parse
from scrapers.spec import PageKind
from scrapers.spec_fields import Field
from scrapers.unread import unread
from scrapers.warc import PageWriter
from scrapers.warc_records import pack_exchange


@pytest.fixture
def crawled(web: Any, tmp_path: Path) -> Callable[..., Path]:
    """Writes home pages, each changed by a function of its number, in their order."""

    def write(change: Callable[[int, str], str], count: int = 40) -> Path:
        path = tmp_path / "pages.warc.gz"
        path.unlink(missing_ok=True)
        with PageWriter(path, {"site": "local"}) as writer:
            for number in range(count):
                body = change(number, web.home(number)).encode()
                headers = (("Content-Type", "text/html; charset=utf-8"),)
                fetched = Fetched(
                    f"{web.url}/homes/{number}", status=200, reason="OK", headers=headers, body=body
                )
                writer.append(pack_exchange(fetched).data)
        return path

    return write


def read(site: Any, warc: Path, last: Any = None) -> Parsed:
    return parse(site, warc, last=last, workers=1, progress=False)


def with_fields(web: Any, **changes: Any) -> Any:
    pages = web.spec()["pages"]
    for name, change in changes.items():
        pages["home"]["fields"][name] = pages["home"]["fields"][name] | change
    return web.site(pages=pages)


def renamed(number: int, html: str) -> str:
    changed = html.replace("class=price", "class=price-tag").replace("Lot area", "Area of the lot")
    return html if number < 25 else changed


def test_a_template_that_changes_half_way(web: Any, crawled: Callable[..., Path]) -> None:
    with pytest.raises(SelectorError) as caught:
        read(web.site(), crawled(renamed))
    said = str(caught.value)
    assert (
        "pages.home.fields.price: css '.price' matches on the first 25 pages of the crawl and not after"
        in said
    )
    assert "(so have lot_area)" in said
    assert f"e.g. on {web.url}/homes/25 (there css '.price-tag' gives '$100,025')" in said
    with pytest.raises(SelectorError, match="after the first 15 only"):
        read(web.site(), crawled(lambda number, html: renamed(39 - number, html)))


def test_a_field_that_is_sometimes_there_is_no_alarm(web: Any, crawled: Callable[..., Path]) -> None:
    for gone in (lambda n: n % 2 == 0, lambda n: n % 10 < 9, lambda n: n == 39, lambda n: n > 35):
        warc = crawled(lambda n, html, gone=gone: html.replace("Lot area", "Area") if gone(n) else html)
        parsed = read(web.site(), warc)
        assert parsed.health["home"]["lot_area"].fill == sum(not gone(n) for n in range(40)) / 40


def test_the_floor_of_the_spec_speaks_louder(web: Any, crawled: Callable[..., Path]) -> None:
    warc = crawled(lambda n, html: html if n < 25 else html.replace("Lot area", "Area"))
    assert len(read(with_fields(web, lot_area={"min_fill": 0.6}), warc).records) == 40
    with pytest.raises(SelectorError, match=r"lot_area: .* fills 62% of the records, min_fill is 70%"):
        read(with_fields(web, lot_area={"min_fill": 0.7}), warc)


def test_the_last_good_run(web: Any, crawled: Callable[..., Path]) -> None:
    good = read(web.site(), crawled(lambda _, html: html)).health
    assert good["home"]["price"] == Health(fill=1.0, rejected=0.0, distinct=40)
    assert from_report({"health": as_report(good)}) == good
    assert (
        from_report({"records": 1})
        == from_report([])
        == from_report({"health": {"home": {"x": {"y": 1}}}})
        == {}
    )
    fewer = crawled(lambda n, html: html.replace("Lot area", "Area") if n % 5 else html)
    assert read(web.site(), fewer).health["home"]["lot_area"].fill == 0.2
    with pytest.raises(SelectorError, match="fallen from 100% of the records in the last run to 20%"):
        read(web.site(), fewer, good)
    assert read(with_fields(web, lot_area={"min_fill": 0}), fewer, good)
    alike = crawled(
        lambda _, html: html.replace("<h1 class=title>", "<h1 class=title>News</h1><h1 class=title>")
    )
    with pytest.raises(SelectorError, match=r"title: .* finds one value in all records, 40 in the last run"):
        read(web.site(), alike, good)
    odd = crawled(lambda n, html: html.replace("sq ft", "perches") if n % 4 else html)
    with pytest.raises(
        SelectorError, match=r"lot_area: .* texts of another type in 75% of the records, 0% before"
    ):
        read(web.site(), odd, good)


PAGE = """<header>top</header><div id=main><h1 class=title-new>Lamp</h1><p class="cost now">$5</p>
<div><span itemprop=brand>Acme</span></div><dl><dt>Net weight<dd>3</dl></div>"""


@pytest.mark.parametrize(
    ("field", "name", "found"),
    [
        ({"css": "#shop .cost"}, "x", "css '.cost' gives '$5'"),
        ({"css": "p.cost.sale"}, "x", "css 'p.cost' gives '$5'"),
        ({"css": "h1.title"}, "x", "css 'h1.title-new' gives 'Lamp'"),
        ({"label": "Weight"}, "x", "label 'Net weight' gives '3'"),
        (
            {"xpath": "//div[@id='shop']//p[@class='cost now']"},
            "x",
            "xpath \"//p[@class='cost now']\" gives '$5'",
        ),
        ({"xpath": "//h1[@class='title']"}, "x", "gives 'Lamp'"),
        ({"css": ".zzz"}, "brand", "css '[itemprop=brand]' gives 'Acme'"),
        ({"css": "p.cost.sale", "type": "date"}, "x", ""),
    ],
)
def test_the_nearest_selector(field: dict[str, Any], name: str, found: str) -> None:
    spec = Field.model_validate({"type": "text"} | field)
    said = nearest(Scope(Page("http://x.example/", PAGE.encode())), spec, name)
    assert found in said if found else said == ""


def kind(**changes: Any) -> PageKind:
    return PageKind.model_validate({"url": "^/"} | changes)


def test_unread_texts_of_a_page() -> None:
    fields = {
        "title": {"xpath": "//h1/text()", "type": "text"},
        "weight": {"label": "Net weight", "type": "number"},
    }
    page = Page("http://x.example/", PAGE.encode())
    assert unread(page, kind(fields=fields)) == ["$5", "Acme"]
    assert unread(page, kind(fields=fields | {"x": {"css": ".cost", "type": "text"}})) == ["Acme"]


def test_unread_texts_of_a_row() -> None:
    html = "<nav>x</nav><ul><li><b>1</b> of <i>7</i><script>z</script>!<li><b>2</b></ul>"
    rows = {"fields": {"n": {"css": "b", "type": "text"}}}
    page = Page("http://x.example/", html.encode())
    for way in ({"css": "li"}, {"xpath": "//li"}):
        assert unread(page, kind(rows=way, **rows)) == ["of", "7"]
    assert unread(page, kind(rows={"css": ".none"}, **rows)) == []


def test_unread_texts_are_reported(web: Any, crawled: Callable[..., Path]) -> None:
    parsed = read(web.site(), crawled(lambda n, html: html.replace("</dl>", f"<dt>Roof<dd>Hip {n}</dl>")))
    assert parsed.unread["home"].texts == ["Hip 0"]  # the label is on every page
    assert parsed.unread["home"].url == f"{web.url}/homes/0"


def test_the_nearest_rows_and_fields_of_rows(web: Any, crawled: Callable[..., Path]) -> None:
    pages = web.spec()["pages"]
    pins = "".join(f"<li class=pin><b class=sku>%d{n}</b> in a street</li>" for n in range(4))
    warc = crawled(lambda n, html: f"<ul>{pins.replace('%d', str(n))}</ul>", 3)
    fields = {"pid": {"css": "b.id", "type": "text"}}
    for rows, said in (
        ("li.row", "css 'li.pin' matches 4 times"),
        ("li.pin", "css 'b' gives '00'"),
    ):
        pages["home"] |= {"rows": {"css": rows}, "fields": fields}
        with pytest.raises(SelectorError, match=re.escape(said)):
            read(web.site(pages=pages), warc)
