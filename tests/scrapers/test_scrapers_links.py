"""Every way to the next page: links, numbers, sitemaps, cursors of a JSON API; a meta refresh."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from scrapers.crawl import crawl
from scrapers.errors import SpecError
from scrapers.links import links, next_pages, refresh_target
from scrapers.page import Page
from scrapers.parse import parse
from scrapers.sitemap import locations
from scrapers.spec import PageKind, Site, load_site
from scrapers.spec_fields import Follow
from tests.scrapers.conftest import FIELDS

SITEMAP = "<?xml version='1.0'?><urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{}</urlset>"


def run(web: Any, folder: Path, first: str, follow: list[dict[str, Any]]) -> list[int]:
    """Crawl from `first`, whose kind follows so, and give the numbers of the homes that were read."""
    lists = {"url": "^/(list|api|site)", "follow": follow}
    site: Site = web.site(start=[first], pages={"list": lists, "home": {"url": "^/homes/", "fields": FIELDS}})
    crawl(site, folder, progress=False)
    records = parse(site, folder / "pages.warc.gz", workers=1, progress=False).records
    return [int(str(record["pid"])) for record in records]


def test_numbered_pages_until_one_leads_to_nothing_new(web: Any, tmp_path: Path) -> None:
    web.fill(25)
    for number in (1, 2, 3, 4):
        first = (number - 1) * 10
        items = "".join(f"<li><a href=/homes/{at}>x</a>" for at in range(first, min(first + 10, 25)))
        web.page(f"/list?page={number}" if number > 1 else "/list", items or "<p>nothing")
    assert run(web, tmp_path, "/list", [{"css": "li a"}, {"next_page": "page"}]) == list(range(25))
    assert [path for path in web.requests if path.startswith("/list")] == [
        "/list",
        "/list?page=2",
        "/list?page=3",
        "/list?page=4",
    ]


def test_sitemaps_that_name_sitemaps(web: Any, tmp_path: Path) -> None:
    web.fill(6)
    index = f"<sitemapindex><sitemap><loc>{web.url}/site2.xml.gz</loc></sitemap></sitemapindex>"
    web.page("/site.xml", index, Content_Type="application/xml")
    urls = "".join(f"<url><loc> {web.url}/homes/{number} </loc></url>" for number in range(6))
    web.page("/site2.xml.gz", gzip.compress(SITEMAP.format(urls).encode()), Content_Type="application/gzip")
    assert run(web, tmp_path, "/site.xml", [{"sitemap": True}]) == list(range(6))


@pytest.mark.parametrize(
    "content", [b"", b"<html><p>no", b"\x1f\x8bno", b"<loc", "<a>\u00e9".encode("utf-16")]
)
def test_what_is_no_sitemap_names_nothing(content: bytes) -> None:
    assert locations(content) == []


def test_a_sitemap_reads_no_files(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hidden")
    entity = f"<!DOCTYPE x [<!ENTITY e SYSTEM 'file://{secret}'>]><urlset><url><loc>&e;</loc></url></urlset>"
    assert "hidden" not in "".join(locations(entity.encode()))


def test_a_cursor_of_an_api(web: Any, tmp_path: Path) -> None:
    web.fill(5)
    for at, cursor in ((None, "a b"), ("a b", "c&d"), ("c&d", None)):
        path = "/api" if at is None else f"/api?after={ {'a b': 'a%20b', 'c&d': 'c%26d'}[at] }"
        ids = {None: [0, 1], "a b": [2, 3], "c&d": [4]}[at]
        body = json.dumps({"items": [{"id": number} for number in ids], "next": cursor, "more": True})
        web.page(path, body, Content_Type="application/json")
    follow = [{"json": "items[].id", "into": "/homes/{}"}, {"json": "next", "into": "/api?after={}"}]
    assert run(web, tmp_path, "/api", follow) == list(range(5))


def test_a_text_into_a_url() -> None:
    kind = PageKind(url=".", follow=(Follow(css="li", into="/homes/{}"),))
    page = Page("http://x.example/list", b"<ul><li> 7 <li>8/9</ul>")
    assert links(page, kind, drop_query=()) == ["http://x.example/homes/7", "http://x.example/homes/8%2F9"]


def test_the_next_number() -> None:
    kind = PageKind(url=".", follow=(Follow(next_page="p"),))
    assert next_pages("http://x.example/l?q=a", kind) == ["http://x.example/l?q=a&p=2"]
    assert next_pages("http://x.example/l?p=9&q=a", kind) == ["http://x.example/l?p=10&q=a"]


@pytest.mark.parametrize(
    ("meta", "target"),
    [
        ("<meta http-equiv=refresh content='0; url=/b'>", "http://x.example/b"),
        ('<META HTTP-EQUIV="Refresh" CONTENT="1;URL=\'c\'">', "http://x.example/c"),
        ("<meta http-equiv=refresh content='300; url=/b'>", None),
        ("<meta http-equiv=refresh content='30'>", None),
        ("<p>nothing", None),
    ],
)
def test_where_a_refresh_leads(meta: str, target: str | None) -> None:
    assert refresh_target(Page("http://x.example/a", meta.encode())) == target


@pytest.mark.parametrize(
    ("follow", "said"),
    [
        ("{json: 'a[', into: '/x/{}'}", "not a JMESPath"),
        ("{css: a, sitemap: true}", "exactly one of css, xpath, json, sitemap or next_page"),
        ("{css: a, into: /x}", "expected a URL with one {}"),
        ("{next_page: p, into: '/x/{}'}", "expected a URL with one {}"),
    ],
)
def test_what_is_wrong_with_a_way_is_said(tmp_path: Path, follow: str, said: str) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(
        "name: x\nbase_url: http://x.example\nstart: [/]\nkey: a\n"
        f"pages: {{p: {{url: ., follow: [{follow}], fields: {{a: {{css: b, type: text}}}}}}}}"
    )
    with pytest.raises(SpecError) as raised:
        load_site(path)
    assert said in str(raised.value)
