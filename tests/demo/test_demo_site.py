"""The pages themselves, made in this process: what they hold, and what they leave out."""

import re
import sys
from pathlib import Path

import pytest
from lxml import etree

from demo.codebook import codebook
from demo.picture import house_svg
from demo.sales import TOTAL, Home, read_homes
from demo.site import Site

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def homes() -> list[Home]:
    return read_homes()


@pytest.fixture(scope="module")
def site(homes: list[Home]) -> Site:
    return Site(homes, "http://127.0.0.1:1")


def home_with(homes: list[Home], **codes: str) -> Home:
    return next(home for home in homes if all(home.codes[name] == code for name, code in codes.items()))


def test_all_sales_are_there(site: Site) -> None:
    assert len(site.homes) == TOTAL
    assert len(site.neighborhoods) == 28
    assert sum(len(place.homes) for place in site.neighborhoods.values()) == TOTAL


def test_words_stand_for_one_code_each() -> None:
    for field in codebook().values():
        assert len(set(field.words.values())) == len(field.words), field.name


def test_an_unknown_code_has_no_word() -> None:
    with pytest.raises(KeyError, match="Slate"):
        codebook()["roof_matl"].shown("Slate")


@pytest.mark.parametrize(
    ("name", "code", "text"),
    [("sale_price", "215000", "$215,000"), ("lot_area", "31770", "31,770 sq ft"),
     ("garage_cars", "1", "1 car"),
     ("garage_cars", "2", "2 cars"), ("year_built", "1960", "1960"),
     ("alley", "NA", "None"), ("alley", "", None)],
)  # fmt: skip
def test_values_are_shown_as_people_write_them(name: str, code: str, text: str | None) -> None:
    assert codebook()[name].shown(code) == text


@pytest.mark.parametrize(
    ("name", "label"),
    [("lot_frontage", "Street frontage"), ("mas_vnr_type", "Masonry veneer"), ("electrical", "Electrical"),
     ("garage_yr_blt", "Year built"), ("total_bsmt_sf", "In total"), ("bsmtfin_sf_1", "First area")],
)  # fmt: skip
def test_an_unknown_value_has_no_row(homes: list[Home], site: Site, name: str, label: str) -> None:
    known = next(home for home in homes if home.codes[name])
    assert label in site.home_page(known.pid)
    assert label not in site.home_page(home_with(homes, **{name: ""}).pid)


def test_there_is_none_is_said(homes: list[Home], site: Site) -> None:
    page = site.home_page(home_with(homes, garage_type="NA").pid)
    assert re.search(r"Type<td>None", page)


def test_some_html_is_badly_nested(homes: list[Home], site: Site) -> None:
    parser = etree.HTMLParser()
    etree.fromstring(site.home_page(homes[0].pid), parser)
    assert len(parser.error_log) >= 2


def test_pages_load_nothing_from_elsewhere(homes: list[Home], site: Site) -> None:
    pages = [site.front_page(), site.listing_page(1), site.home_page(homes[0].pid)]
    pages += [site.neighborhood_page("old-town"), site.agents_page(), site.missing_page()]
    for page in pages:
        loaded = re.findall(
            r'<(?:img|script)[^>]* src="([^"]*)"|<link rel="(?:stylesheet|icon)" href="([^"]*)"', page
        )
        assert loaded
        assert all(source.startswith("/") for pair in loaded for source in pair if source)


def test_every_home_can_be_drawn(homes: list[Home]) -> None:
    for home in homes[::7]:
        etree.fromstring(house_svg(home.codes).encode())
    assert house_svg(homes[0].codes) == house_svg(homes[0].codes)


def test_a_small_site_is_spread(homes: list[Home]) -> None:
    some = read_homes(60)
    assert len({home.pid for home in some}) == 60
    assert len({home.codes["neighborhood"] for home in some}) == 7
    assert len({home.codes["yr_sold"] for home in some}) >= 4


@pytest.mark.parametrize("limit", [0, TOTAL + 1])
def test_limit_out_of_range(limit: int) -> None:
    with pytest.raises(ValueError, match="expected 1 to 2930"):
        read_homes(limit)


def test_one_home_makes_a_site(homes: list[Home]) -> None:
    site = Site(homes[:1], "http://127.0.0.1:1")
    assert homes[0].pid in site.listing_page(1)
    assert "More in" not in site.home_page(homes[0].pid)
    assert site.front_page()


def test_demo_imports_no_room() -> None:
    for file in (ROOT / "demo").glob("*.py"):
        imported = re.findall(r"^\s*(?:from|import) (\w+)", file.read_text(encoding="utf-8"), re.MULTILINE)
        allowed = {"demo", "yaml", "jinja2"} | sys.stdlib_module_names
        assert set(imported) <= allowed, file.name
