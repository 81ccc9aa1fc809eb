"""A spec that holds together loads; any other ends in one line with file, key path and what was expected."""

from pathlib import Path

import pytest

from scrapers.errors import SpecError
from scrapers.spec import Expect, Server, load_site

GOOD = """\
name: shop
base_url: http://127.0.0.1:8137
start: [/list]
key: pid
pages:
  list:
    url: "^/list"
    follow: [{css: "a.next"}, {xpath: "//nav//a"}]
  home:
    url: "^/homes/"
    expect: {min: 3}
    fields:
      pid: {css: "[itemprop=sku]", type: text, required: true}
      price: {label: "Price", type: money, unit: USD}
  map:
    url: "^/map"
    browser: {wait_for: "#map", scroll: true}
    rows: {css: .pin}
    joins: home
    fields:
      pid: {css: ":scope", attr: data-pid, type: text}
      latitude: {xpath: "./@data-lat", type: number}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "shop.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_loads_every_part(tmp_path: Path) -> None:
    site = load_site(written(tmp_path, GOOD))
    assert site.start_urls == ["http://127.0.0.1:8137/list"]
    assert site.port == 8137
    assert site.kind_of("http://127.0.0.1:8137/homes/1?x=1") == "home"
    assert site.kind_of("http://127.0.0.1:8137/about") is None
    assert str(site.pages["home"].fields["price"]) == "label 'Price'"


def test_the_first_kind_that_matches_wins_and_robots_is_none(tmp_path: Path) -> None:
    site = load_site(written(tmp_path, GOOD.replace('"^/list"', '"^/"')))
    assert site.kind_of("http://127.0.0.1:8137/homes/1") == "list"
    assert site.kind_of("http://127.0.0.1:8137/robots.txt") is None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("key: pid", "key: sku", "pages.home.fields: expected the key field 'sku'"),
        ("key: pid", "", "key: Field required"),
        (
            "type: text, req",
            "type: number, req",
            "pages.home.fields.pid: key must be of type text (leading zeros count)",
        ),
        (
            "type: text}",
            "type: number}",
            "pages.map.fields.pid: key must be of type text (leading zeros count)",
        ),
        ("name: shop", "name: shop\nnom: x", "unknown key 'nom'"),
        ("name: shop", "name: shop\nname: other", "key 'name' stands twice"),
        ("name: shop", "name: [", "expected YAML"),
        ('"a.next"', '"a..next"', "pages.list.follow.0.css: not a CSS selector: 'a..next'"),
        ("//nav//a", "//nav[", "pages.list.follow.1.xpath: not an XPath expression: '//nav['"),
        ("//nav//a", "no-such()", "pages.list.follow.1.xpath: not an XPath expression: 'no-such()'"),
        ('"^/homes/"', '"^/homes/("', "pages.home.url: not a regular expression"),
        ("type: money", "type: cash", "pages.home.fields.price.type: expected 'money'"),
        ('label: "Price"', 'label: "Price", css: b', "expected exactly one of css, xpath, label, json"),
        ("type: money", "type: money, levels: [a]", "levels and values are for type category"),
        ("{min: 3}", "{records: 3, min: 2}", "pages.home.expect: expected records, or min and/or max"),
        ("joins: home", "joins: house", "pages.map.joins: expected a kind with fields of its own"),
        ("latitude:", "price:", "'price' is a field of home too"),
        ("latitude:", "url:", "expected snake_case, and not 'url'"),
        (
            "start: [/list]",
            "start: [/nowhere]",
            "start: http://127.0.0.1:8137/nowhere is not of http://127.0.0.1:8137, or of no kind in pages",
        ),
        ("127.0.0.1:8137", "127.0.0.1:8137/path", "base_url: expected http(s)://host[:port] without a path"),
        ("scroll: true", "scroll: true, timeout_s: -1", "pages.map.browser.timeout_s"),
    ],
)
def test_a_bad_spec_is_one_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = written(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(SpecError) as caught:
        load_site(path)
    assert said in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_a_spec_error(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"nowhere\.yaml: expected a site spec"):
        load_site(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize(
    ("expect", "allowed", "refused", "said"),
    [
        (Expect(records=3), [3], [2, 4], "3"),
        (Expect(min=2), [2, 99], [1], "at least 2"),
        (Expect(max=2), [0, 2], [3], "0 to 2"),
        (Expect(min=1, max=2), [1, 2], [0, 3], "1 to 2"),
    ],
)
def test_expected_counts(expect: Expect, allowed: list[int], refused: list[int], said: str) -> None:
    assert all(expect.allows(count) for count in allowed)
    assert not any(expect.allows(count) for count in refused)
    assert str(expect) == said


def test_the_servers_command_is_filled_in() -> None:
    filled = Server(command=("{python}", "-m", "demo", "--port={port}")).filled(81)
    assert filled[1:] == ["-m", "demo", "--port=81"]
    assert "python" in filled[0]
