"""A first spec guessed from a page loads, crawls and parses without an edit."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from pipeline.cli import app
from scrapers.crawl import crawl
from scrapers.errors import RobotsError, ScrapeError
from scrapers.guess_type import field_name, guessed_type
from scrapers.new_site import NewSite, new_site
from scrapers.parse import parse
from scrapers.spec import Site


def records(new: NewSite, folder: Path) -> list[dict[str, Any]]:
    """What the spec yields as it is, but in less time."""
    spec = yaml.safe_load(new.text)
    spec["crawl"]["delay_s"] = 0
    site = Site.model_validate(spec)
    crawl(site, folder, progress=False)
    return parse(site, folder / "pages.warc.gz", workers=1, progress=False).records


def test_a_list_and_its_detail_pages(web: Any, tmp_path: Path) -> None:
    web.fill(14, per_page=7)
    for number in range(14):
        extra = f"<nav><a href=/>Home</a></nav><p class=built>{1990 + number}</p><footer class=f>{number}"
        web.page(f"/homes/{number}", web.home(number, extra=extra))
    found = records(new_site(web.url + "/list"), tmp_path)
    assert len(found) == 14
    first = next(record for record in found if record["id"] == "3")
    assert {key: value for key, value in first.items() if key != "url"} == {
        "id": "3",
        "title": "Home 3",
        "lot_area": 4000.0,
        "quality": "Very good",
        "sku": "0003",
        "price": 100_003.0,
        "built": 1993.0,
    }


PRODUCT = """<script type="application/ld+json">{{"@type": "Product", "name": "Lamp {0}", "sku": "00{0}",
"offers": {{"@type": "Offer", "price": "{0}9.50", "priceCurrency": "EUR"}}}}</script><h1>Lamp {0}</h1>"""


def test_json_ld_comes_first(web: Any, tmp_path: Path) -> None:
    cards = "".join(
        f"<div class=col><article class=card><a href=/p/lamp-{n}>Lamp {n}</a> nice</article></div>"
        for n in range(1, 6)
    )
    web.page("/shop/", f"<nav><a href=/shop/>Shop</a></nav><div class=grid>{cards}</div>")
    for number in range(1, 6):
        web.page(f"/p/lamp-{number}", PRODUCT.format(number))
    new = new_site(web.url + "/shop/")
    assert "name: {jsonld: Product.name, type: text} # Lamp 1" in new.text
    assert "found no link to a next page" in new.notes
    found = records(new, tmp_path)
    assert [(each["id"], each["sku"], each["price"]) for each in found] == [
        (f"lamp-{n}", f"00{n}", n * 10 + 9.5) for n in range(1, 6)
    ]


def test_records_on_the_list_itself(web: Any, tmp_path: Path) -> None:
    def quotes(first: int) -> str:
        return "".join(
            f"<div class=quote><span class=text>Saying number {n}</span><small class=author>A{n % 2}</small>"
            "</div>"
            for n in range(first, first + 4)
        )

    web.page("/", f"<div class=col>{quotes(0)}</div><ul><li class=next><a href=/page/2/>Next →</a></ul>")
    web.page("/page/2/", f"<div class=col>{quotes(4)}</div>")
    found = records(new_site(web.url), tmp_path)
    assert sorted(each["text"] for each in found) == [f"Saying number {n}" for n in range(8)]
    assert {each["author"] for each in found} == {"A0", "A1"}


def test_a_table(web: Any, tmp_path: Path) -> None:
    rows = "".join(f"<tr><td>Town {n}<td>{n},500<td>{n * 2} km</tr>" for n in range(1, 7))
    web.page("/towns", f"<table><tr><th>Town<th>People<th>Way</tr>{rows}</table>")
    found = records(new_site(web.url + "/towns"), tmp_path)
    assert found[1] == {"town": "Town 2", "people": 2500.0, "way": 4.0, "url": web.url + "/towns"}


def test_one_record(web: Any, tmp_path: Path) -> None:
    web.page("/homes/3", web.home(3))
    new = new_site(web.url + "/homes/3")
    assert new.notes == ["the page is one record: add a kind of page that lists such, and start there"]
    assert records(new, tmp_path)[0]["lot_area"] == 4000.0


def test_what_cannot_be_guessed_is_one_line(web: Any) -> None:
    web.page("/empty", "<p>Nothing")
    web.page("/moved", "", 301, Location="http://other.example/")
    for url, error, said in (
        (web.url + "/empty", ScrapeError, "does it need a browser"),
        (web.url + "/moved", ScrapeError, "redirect to http://other.example/: begin with that URL"),
        (web.url + "/404", ScrapeError, "expected a page, got 404"),
        ("file:///etc/passwd", ScrapeError, "expected an http"),
    ):
        with pytest.raises(error, match=said) as caught:
            new_site(url)
        assert "\n" not in str(caught.value)
    web.page("/robots.txt", "User-agent: *\nDisallow: /empty")
    with pytest.raises(RobotsError, match="refuses"):
        new_site(web.url + "/empty")


def test_the_command_writes_a_file_and_never_over_one(web: Any, tmp_path: Path) -> None:
    web.fill(6)
    out = tmp_path / "site.yaml"
    ran = CliRunner().invoke(app, ["new-site", web.url + "/list", "--out", str(out)])
    assert (ran.exit_code, ran.output.splitlines()[0]) == (0, f"wrote {out}")
    again = CliRunner().invoke(app, ["new-site", web.url + "/list", "--out", str(out)])
    assert again.exit_code == 1
    nowhere = CliRunner().invoke(
        app, ["new-site", web.url + "/list", "--out", str(tmp_path / "no" / "x.yaml")]
    )
    assert nowhere.exit_code == 1
    assert "expected to write a file there" in nowhere.output
    probed = CliRunner().invoke(app, ["probe", web.url + "/homes/2", "--site", str(out)])
    shown = [line.split() for line in probed.output.splitlines()]
    assert ["price", "100002.0", "$100,002", "css", "'p.price'"] in shown


@pytest.mark.parametrize(
    ("texts", "guess"),
    [
        (["$5", "$1,200"], {"type": "money", "unit": "USD"}),
        (["1.234,50 €", "19,90 €"], {"type": "money", "unit": "EUR", "locale": "de"}),
        (["€5", "$5"], {"type": "text"}),
        (["1,800 sq ft"], {"type": "area", "unit": "sqft"}),
        (["80 ft", "6 ft"], {"type": "number", "unit": "ft"}),
        (["12", "1,200"], {"type": "number"}),
        (["007", "012"], {"type": "text"}),
        (["0526301100"], {"type": "text"}),
        (["Yes", "no"], {"type": "flag"}),
        (["31 May 2010", "2010-05-31"], {"type": "date"}),
        (["In stock (22 available)"], {"type": "text"}),
        (["", " "], {"type": "text"}),
    ],
)
def test_types(texts: list[str], guess: dict[str, str]) -> None:
    assert guessed_type(texts) == guess


@pytest.mark.parametrize(
    ("text", "name"),
    [("Lot area:", "lot_area"), ("priceCurrency", "price_currency"), ("2nd floor", "n_2nd_floor"), ("№", "")],
)
def test_names(text: str, name: str) -> None:
    assert field_name(text) == name
