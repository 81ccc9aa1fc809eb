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
from scrapers.fetch import Fetched
from scrapers.parse import Parsed, parse
from scrapers.spec import Site as Spec
from scrapers.spec import load_site
from scrapers.warc import PageWriter

SPEC = Path(__file__).resolve().parents[2] / "scrapers" / "sites" / "ames.yaml"
ON_MAP = ("longitude", "latitude")


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


def assert_equal(parsed: Parsed, homes: list[Home], leaving_out: tuple[str, ...] = ()) -> None:
    got = {record["pid"]: record for record in parsed.records}
    assert len(parsed.records) == len(got) == len(homes)
    assert parsed.rejected == []
    for home in homes:
        wanted = expected(home)
        record = {name: value for name, value in got[home.pid].items() if name not in ("url", *leaving_out)}
        assert record == {name: value for name, value in wanted.items() if name not in leaving_out}


def changed_spec(path: Path, *, homes: int, port: int = 8137, with_map: bool = True) -> Spec:
    """The site's spec for fewer homes, written to `path` and loaded."""
    spec = yaml.safe_load(SPEC.read_text(encoding="utf-8"))
    spec["base_url"] = f"http://127.0.0.1:{port}"
    spec["server"]["command"] += ["--limit", str(homes)]
    for kind in ("home", "neighborhood"):
        spec["pages"][kind]["expect"] = {"records": homes}
    if not with_map:
        del spec["pages"]["neighborhood"]
    path.write_text(yaml.safe_dump(spec), encoding="utf-8")
    return load_site(path)


def parse_detail_pages(folder: Path, homes: list[Home]) -> Parsed:
    """The records of detail pages rendered in this process."""
    spec = changed_spec(folder / "spec.yaml", homes=len(homes), with_map=False)
    site = Site(read_homes(), spec.base_url)
    with PageWriter(folder / "pages.warc.gz", {"site": spec.name}) as pages:
        for home in homes:
            body = site.home_page(home.pid).encode()
            headers = (("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(body))))
            url = f"{spec.base_url}/homes/{home.pid}"
            pages.add(Fetched(url, status=200, reason="OK", headers=headers, body=body, content=body))
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


def test_the_hardest_homes_equal_their_rows(tmp_path: Path) -> None:
    homes = read_homes()
    some = {home.pid: home for home in homes[:: TOTAL // 40]}
    some |= {home.pid: home for home in homes if list(home.codes.values()).count("") >= 3}
    assert_equal(parse_detail_pages(tmp_path, list(some.values())), list(some.values()), ON_MAP)


@pytest.mark.slow
def test_every_home_equals_its_row(tmp_path: Path) -> None:
    homes = read_homes()
    assert len(homes) == TOTAL
    assert_equal(parse_detail_pages(tmp_path, homes), homes, ON_MAP)


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
    assert parsed.unjoined == 0
    assert [failure.status for failure in report.errors] == [404]
    assert report.retries >= 1
    assert report.robots_refused == [f"{spec.base_url}/neighborhoods/preview"]
    assert report.off_site == {"mortgages.example.com": 1}
    assert report.duplicates
