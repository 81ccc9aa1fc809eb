"""The records of the embedded site equal the source's rows, field by field, through the codebook."""

import socket
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo.codebook import codebook
from demo.sales import TOTAL, Home, read_homes
from demo.site import MAP_BATCH, Site
from scrapers.crawl import crawl
from scrapers.css import compile_css
from scrapers.fetched import Fetched
from scrapers.page import Page
from scrapers.parse import Parsed, parse
from scrapers.spec import Site as Spec
from scrapers.spec import load_site
from scrapers.texts import text_of
from scrapers.warc import PageWriter, read_pages
from scrapers.warc_records import pack_exchange, pack_rendered

SPEC = Path(__file__).resolve().parents[2] / "scrapers" / "sites" / "ames.yaml"
COLORS = ("#2f6f6a", "#6f9a6a", "#d9a441", "#c9683a", "#93312c")  # map.js has the same
STEPS = (125_000, 160_000, 200_000, 275_000)  # US dollars


def expected(home: Home) -> dict[str, Any]:
    """A source row as the record that it must come out as."""
    record: dict[str, Any] = {}
    for name, field in codebook().items():
        code = home.codes[name]
        if not code:
            record[name] = None
        elif field.words:
            record[name] = field.words[code]
        else:
            record[name] = code if name == "pid" else float(code)
    return record


def assert_equal(parsed: Parsed, homes: list[Home]) -> None:
    got = {record["pid"]: record for record in parsed.records}
    assert len(parsed.records) == len(got) == len(homes)
    assert parsed.rejected == []
    assert parsed.unjoined == 0
    for home in homes:
        assert {name: value for name, value in got[home.pid].items() if name != "url"} == expected(home)


def changed_spec(path: Path, *, homes: int, port: int = 8137) -> Spec:
    """The site's spec for fewer homes, written to `path` and loaded."""
    spec = yaml.safe_load(SPEC.read_text(encoding="utf-8"))
    spec["base_url"] = f"http://127.0.0.1:{port}"
    spec["server"]["command"] += ["--limit", str(homes)]
    for kind in ("home", "neighborhood"):
        spec["pages"][kind]["expect"] = {"records": homes}
    path.write_text(yaml.safe_dump(spec, sort_keys=False), encoding="utf-8")
    return load_site(path)


def pins(site: Site, slug: str) -> str:
    """The list that map.js draws from its batches of homes, as a browser writes it down."""
    total = len(site.neighborhoods[slug].homes)
    rows = [row for start in range(0, total, MAP_BATCH) for row in site.map_rows(slug, start)["homes"]]
    assert len(rows) == total
    return f'<ol class="pins">{"".join(map(pin, rows))}</ol>'


def pin(row: dict[str, Any]) -> str:
    color = COLORS[sum(row["price"] > edge for edge in STEPS)]
    latitude, longitude = row["latitude"], row["longitude"]
    return (
        f'<li class="pin" data-pid="{row["pid"]}" style="--dot: {color};">'
        f'<a class="parcel" href="/homes/{row["pid"]}?ref=map">Parcel {row["pid"]}</a>'
        f'<b class="amount">${row["price"]:,}</b><span class="where">'
        f'<data class="lat" value="{latitude}">{latitude:.5f}</data>, '
        f'<data class="lon" value="{longitude}">{longitude:.5f}</data></span></li>'
    )


def drawn_page(site: Site, slug: str) -> str:
    """A neighborhood's page when its map is complete."""
    before, mark, after = site.neighborhood_page(slug).partition("<noscript>")
    assert mark
    return f'{before[:-1]} data-complete="true">{pins(site, slug)}{mark}{after}'


def parse_pages(folder: Path, homes: list[Home]) -> Parsed:
    """The records of detail and neighborhood pages rendered in this process."""
    spec = changed_spec(folder / "spec.yaml", homes=len(homes))
    site, those = Site(read_homes(), spec.base_url), Site(homes, spec.base_url)
    headers = (("Content-Type", "text/html; charset=utf-8"),)
    with PageWriter(folder / "pages.warc.gz", {"site": spec.name}) as pages:
        for home in homes:
            body = site.home_page(home.pid).encode()
            url = f"{spec.base_url}/homes/{home.pid}"
            fetched = Fetched(url, status=200, reason="OK", headers=headers, body=body, content=body)
            pages.append(pack_exchange(fetched).data)
        for slug in those.neighborhoods:
            url = f"{spec.base_url}/neighborhoods/{slug}"
            pages.append(pack_rendered(url, drawn_page(those, slug), "chrome 1"))
    return parse(spec, folder / "pages.warc.gz", workers=2 if len(homes) > 500 else 1, progress=False)


def test_spec_reads_every_field_in_all_three_ways() -> None:
    spec = load_site(SPEC)
    fields = spec.pages["home"].fields | spec.pages["neighborhood"].fields
    assert set(fields) == set(codebook())
    for way in ("css", "xpath", "label"):
        assert sum(getattr(field, way) is not None for field in fields.values()) >= 15
    for name, field in fields.items():
        assert (field.type == "category") == bool(codebook()[name].words), name
        assert not field.allowed or set(codebook()[name].words.values()) <= set(field.allowed), name


def test_its_css_selects_what_beautifulsoup_selects() -> None:
    spec, homes = load_site(SPEC), read_homes()[::300]
    site = Site(homes, spec.base_url)
    fields = [field for kind in spec.pages.values() for field in kind.fields.values()]
    selectors = [each.css for each in fields if each.css and each.css != ":scope"]
    selectors += [link.css for kind in spec.pages.values() for link in kind.follow if link.css]
    pages = [site.home_page(home.pid) for home in homes]
    pages += [drawn_page(site, slug) for slug in list(site.neighborhoods)[:2]]
    for page in (Page(spec.base_url, html.encode()) for html in pages):
        for css in selectors:
            compiled = compile_css(css)
            assert compiled is not None, css
            found = [(each.tag, text_of(each, None)) for each in compiled.select(page.index)]
            assert found == [(each.name, text_of(each, None)) for each in page.soup.select(css)], css


def test_the_hardest_homes_equal_their_rows(tmp_path: Path) -> None:
    homes = read_homes()
    some = {home.pid: home for home in homes[:: TOTAL // 40]}
    some |= {home.pid: home for home in homes if list(home.codes.values()).count("") >= 3}
    assert_equal(parse_pages(tmp_path, list(some.values())), list(some.values()))


@pytest.mark.slow
def test_every_home_equals_its_row(tmp_path: Path) -> None:
    homes = read_homes()
    assert len(homes) == TOTAL
    assert_equal(parse_pages(tmp_path, homes), homes)


def test_every_map_row_equals_its_source() -> None:
    homes = read_homes()
    site = Site(homes, "http://127.0.0.1:8137")
    found: dict[str, tuple[float, float]] = {}
    for slug, place in site.neighborhoods.items():
        for offset in range(0, len(place.homes), MAP_BATCH):
            for row in site.map_rows(slug, offset)["homes"]:
                found[row["pid"]] = (row["longitude"], row["latitude"])
    assert found == {
        home.pid: (float(home.codes["longitude"]), float(home.codes["latitude"])) for home in homes
    }


@pytest.mark.slow
def test_a_real_crawl_of_sixty_homes_equals_the_source(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    spec = changed_spec(tmp_path / "spec.yaml", homes=60, port=port)
    report = crawl(spec, tmp_path, progress=False)
    parsed = parse(spec, tmp_path / "pages.warc.gz", progress=False)
    assert_equal(parsed, read_homes(60))
    site = Site(read_homes(60), spec.base_url)
    drawn = {p.url: p.content.decode() for p in read_pages(tmp_path / "pages.warc.gz") if p.rendered}
    assert {url.rpartition("/")[2] for url in drawn} == set(site.neighborhoods)
    for slug in site.neighborhoods:
        assert pins(site, slug) in drawn[f"{spec.base_url}/neighborhoods/{slug}"]
    assert [failure.status for failure in report.errors] == [404]
    assert report.retries >= 1
    assert report.robots_refused == [f"{spec.base_url}/neighborhoods/preview"]
    assert report.off_site == {"mortgages.example.com": 1}
    assert report.duplicates
