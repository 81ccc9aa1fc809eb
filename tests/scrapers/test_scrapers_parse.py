"""A WARC becomes sorted, joined, checked records; whatever is missing ends in one line that names it."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from scrapers.errors import CountError, FieldError, ScrapeError, SelectorError, WarcError
from scrapers.fetched import Fetched
from scrapers.parse import Parsed, parse
from scrapers.warc import PageWriter
from scrapers.warc_records import pack_exchange, pack_rendered

PIN = {
    "pid": {"css": ":scope", "attr": "data-pid", "type": "text"},
    "latitude": {"css": "b", "type": "number"},
}
MAP = {"url": "^/map", "browser": {"wait_for": "b"}, "rows": {"css": ".pin"}, "joins": "home", "fields": PIN}


@pytest.fixture
def stored(web: Any, tmp_path: Path) -> Callable[..., Path]:
    """Writes pages (path -> HTML) and drawn pages to a WARC."""

    def write(pages: dict[str, str], drawn: dict[str, str] | None = None, status: int = 200) -> Path:
        path = tmp_path / "pages.warc.gz"
        path.unlink(missing_ok=True)
        with PageWriter(path, {"site": "local"}) as writer:
            for place, html in pages.items():
                headers = (("Content-Type", "text/html; charset=utf-8"),)
                body = html.encode()
                fetched = Fetched(web.url + place, status=status, reason="x", headers=headers, body=body)
                writer.append(pack_exchange(fetched).data)
            for place, html in (drawn or {}).items():
                writer.append(pack_rendered(web.url + place, html, "chrome 1"))
        return path

    return write


def homes(web: Any, *numbers: int) -> dict[str, str]:
    return {f"/homes/{number}": web.home(number) for number in numbers}


def with_map(web: Any, **changes: Any) -> dict[str, Any]:
    pages = web.spec()["pages"]
    return pages | {"map": MAP | changes}


def read(site: Any, warc: Path, workers: int = 1) -> Parsed:
    return parse(site, warc, workers=workers, progress=False)


def test_records_are_typed_and_sorted_by_key(web: Any, stored: Callable[..., Path]) -> None:
    parsed = read(web.site(), stored({"/list": "<p>", "/robots.txt": "x"} | homes(web, 2, 1)))
    assert parsed.records == [
        {
            "pid": f"000{number}",
            "price": 100_000.0 + number,
            "lot_area": (number + 1) * 1000.0,
            "quality": "Very good",
            "title": f"Home {number}",
            "url": f"{web.url}/homes/{number}",
        }
        for number in (1, 2)
    ]
    assert parsed.fill == dict.fromkeys(["pid", "price", "lot_area", "quality", "title"], 1.0)
    assert parsed.pages == {"home": 2}


@pytest.mark.slow  # starts processes
def test_the_order_of_the_crawl_and_the_number_of_processes_make_no_difference(
    web: Any, stored: Callable[..., Path]
) -> None:
    pages = homes(web, *range(40))
    one = read(web.site(), stored(pages))
    other = read(web.site(), stored(dict(reversed(pages.items()))), workers=2)
    assert one == other
    assert len(one.records) == 40


def test_an_absent_field_is_none(web: Any, stored: Callable[..., Path]) -> None:
    bare = web.home(2).replace("<dt>Lot area</dt>", "")
    parsed = read(web.site(), stored(homes(web, 1) | {"/homes/2": bare}))
    assert parsed.records[1]["lot_area"] is None
    assert parsed.fill["lot_area"] == 0.5


def test_a_text_of_the_wrong_type_is_counted_and_named(web: Any, stored: Callable[..., Path]) -> None:
    odd = web.home(2).replace("3,000 sq ft", "large")
    parsed = read(web.site(), stored(homes(web, 1) | {"/homes/2": odd}))
    assert parsed.records[1]["lot_area"] is None
    (rejected,) = parsed.rejected
    assert (rejected.field, rejected.text, rejected.url) == ("lot_area", "large", f"{web.url}/homes/2")


def test_one_record_by_two_urls_counts_once(web: Any, stored: Callable[..., Path]) -> None:
    canonical = f"<link rel=canonical href={web.url}/homes/1>"
    pages = {"/homes/9": web.home(1, price="$5"), "/homes/featured": web.home(1, head=canonical)} | homes(
        web, 1
    )
    parsed = read(web.site(), stored(pages))
    assert [record["url"] for record in parsed.records] == [f"{web.url}/homes/1"]
    assert [(d.key, d.url, d.differs) for d in parsed.duplicates] == [
        ("0001", f"{web.url}/homes/1", ()),
        ("0001", f"{web.url}/homes/9", ("price",)),
    ]


def test_rows_of_drawn_pages_join_by_the_key(web: Any, stored: Callable[..., Path]) -> None:
    drawn = {
        "/map/a": "<a class=pin data-pid=0002><b>42.5</b></a><a class=pin data-pid=7777><b>1</b></a>",
        "/map/b": "",
    }
    static = {"/map/a": "<a class=pin data-pid=0001><b>99</b></a>"}
    parsed = read(web.site(pages=with_map(web)), stored(homes(web, 1, 2) | static, drawn))
    assert [record["latitude"] for record in parsed.records] == [None, 42.5]
    assert list(parsed.records[0]) == ["pid", "price", "lot_area", "quality", "title", "latitude", "url"]
    assert parsed.unjoined == 1


def test_only_whole_answers_are_read(web: Any, stored: Callable[..., Path]) -> None:
    with pytest.raises(CountError, match=r"pages\.home: expected pages of this kind in the crawl, got none"):
        read(web.site(), stored(homes(web, 1), status=503))


def test_fewer_records_than_expected(web: Any, stored: Callable[..., Path]) -> None:
    pages = web.spec()["pages"]
    site = web.site(pages=pages | {"home": pages["home"] | {"expect": {"records": 3}}})
    with pytest.raises(CountError, match=r"pages\.home\.expect: expected 3 records, got 2 from 2 pages"):
        read(site, stored(homes(web, 1, 2)))


@pytest.mark.parametrize(
    ("old", "new", "error", "said"),
    [
        (
            "<h1",
            "<h2",
            SelectorError,
            "pages.home.fields.title: xpath \"//h1[@class='title']\" matches nothing on any",
        ),
        (
            "Lot area",
            "Lot",
            SelectorError,
            "pages.home.fields.lot_area: label 'Lot area' matches nothing on any of 2",
        ),
        ("sq ft", "perches", FieldError, "pages.home.fields.lot_area: none of 2 texts can be read as area"),
    ],
)
def test_a_field_lost_on_every_page(
    web: Any, stored: Callable[..., Path], old: str, new: str, error: type[ScrapeError], said: str
) -> None:
    pages = {place: html.replace(old, new) for place, html in homes(web, 1, 2).items()}
    with pytest.raises(error) as caught:
        read(web.site(), stored(pages))
    assert said in str(caught.value)
    assert f"{web.url}/homes/1" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("price", "error", "said"),
    [
        ("", SelectorError, "required, but css '.price' gives nothing in 1 of 2 records"),
        ("on request", FieldError, "required, but 1 texts cannot be read as money"),
    ],
)
def test_a_required_field_missing_on_one_page(
    web: Any, stored: Callable[..., Path], price: str, error: type[ScrapeError], said: str
) -> None:
    with pytest.raises(error) as caught:
        read(web.site(), stored(homes(web, 1) | {"/homes/2": web.home(2, price=price)}))
    assert said in str(caught.value)
    assert f"{web.url}/homes/2" in str(caught.value)


def test_rows_that_match_nothing(web: Any, stored: Callable[..., Path]) -> None:
    site = web.site(pages=with_map(web, rows={"css": ".gone"}))
    with pytest.raises(
        SelectorError, match=r"pages\.map\.rows: css '\.gone' matches nothing on any of 1 pages"
    ):
        read(site, stored(homes(web, 1), {"/map": "<b>"}))


def test_no_crawl_at_all(web: Any, tmp_path: Path) -> None:
    with pytest.raises(WarcError, match="crawl again"):
        read(web.site(), tmp_path / "pages.warc.gz")


@pytest.mark.slow  # starts processes
def test_nothing_is_left_of_a_killed_parse(web: Any, stored: Callable[..., Path], tmp_path: Path) -> None:
    warc = stored(homes(web, *range(400)))
    (tmp_path / "site.yaml").write_text(yaml.safe_dump(web.spec()))
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\nfrom pathlib import Path\nfrom scrapers.parse import parse\n"
        "from scrapers.spec import load_site\n"
        "if __name__ == '__main__':\n"
        "    site, warc = load_site(sys.argv[1]), Path(sys.argv[2])\n"
        "    while True:\n        parse(site, warc, workers=2, progress=False)\n"
    )
    user = subprocess.Popen(
        [sys.executable, script, str(tmp_path / "site.yaml"), str(warc)], stderr=subprocess.DEVNULL
    )
    workers: list[psutil.Process] = []
    while len(workers) < 2:
        time.sleep(0.05)
        workers = [p for p in psutil.Process(user.pid).children() if "spawn_main" in " ".join(p.cmdline())]
    time.sleep(1)
    user.kill()
    user.wait()
    assert psutil.wait_procs(workers, timeout=10)[1] == []
