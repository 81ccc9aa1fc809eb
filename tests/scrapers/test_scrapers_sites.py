"""The specs that come with Millrace read pages with the structure of their sites, page by page."""

import json
from pathlib import Path
from typing import Any

import pytest

from scrapers.extract import KindReader
from scrapers.links import links
from scrapers.page import Page
from scrapers.probe import probe
from scrapers.records import read_page
from scrapers.spec import URL_FIELD, load_site

PAGES = Path(__file__).parent / "pages"
SITES = Path(__file__).resolve().parents[2] / "scrapers" / "sites"
PAIRS = sorted(path.with_suffix("") for path in PAGES.glob("*/*.json"))
DRAWN = "quotes_toscrape_js"


def test_every_site_has_pages_and_every_page_its_records() -> None:
    tried = {path.stem for path in SITES.glob("*.yaml")} - {"ames"}  # which has the whole demo
    assert {pair.parent.name for pair in PAIRS} == tried
    assert {path.with_suffix("") for path in PAGES.glob("*/*.html")} == set(PAIRS)


@pytest.mark.parametrize(
    "pair",
    [pair for pair in PAIRS if pair.parent.name != DRAWN],
    ids=lambda pair: f"{pair.parent.name}-{pair.name}",
)
def test_a_page_gives_its_records(pair: Path) -> None:
    site = load_site(SITES / f"{pair.parent.name}.yaml")
    expected = json.loads(pair.with_suffix(".json").read_text())
    page = Page(expected["url"], pair.with_suffix(".html").read_bytes())
    assert site.kind_of(page.url) == expected["kind"]
    kind = site.pages[expected["kind"]]
    assert links(page, kind, drop_query=site.crawl.drop_query) == expected["links"]
    assert all(site.kind_of(url) for url in expected["links"])
    if kind.fields:
        read = read_page(page, expected["kind"], KindReader(kind), site)
        records = [{name: each[name] for name in each if name != URL_FIELD} for each in read.records]
        assert (records, read.rejected) == (expected["records"], [])


def test_logged_in_is_seen() -> None:
    login = load_site(SITES / "quotes_toscrape_login.yaml").login
    assert login is not None
    assert login.logged_in is not None
    for name, is_in in (("quotes_toscrape_login", True), ("quotes_toscrape", False)):
        page = Page("https://quotes.toscrape.com/", (PAGES / name / "page.html").read_bytes())
        assert bool(page.soup.select(login.logged_in)) == is_in


@pytest.mark.slow  # starts a browser
def test_a_page_that_a_script_draws(web: Any) -> None:
    expected = json.loads((PAGES / DRAWN / "page.json").read_text())
    web.page("/js/", (PAGES / DRAWN / "page.html").read_bytes())
    site = load_site(SITES / f"{DRAWN}.yaml").model_copy(update={"base_url": web.url})
    result = probe(web.url + "/js/", site)
    assert [{each.name: each.value for each in record} for record in result.records] == expected["records"]
    assert result.links == [f"{web.url}/js/page/2/"]
