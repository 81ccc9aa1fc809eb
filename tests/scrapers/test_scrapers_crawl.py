"""Crawls of a real local site: what is fetched, what is left out and why, and how a crawl fails."""

import gzip
import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from scrapers.crawl import crawl
from scrapers.errors import LostPagesError, RobotsError, SiteDownError
from scrapers.parse import Parsed, parse
from scrapers.report import CrawlReport
from scrapers.spec import Site
from scrapers.warc import read_pages


def run(site: Site, folder: Path) -> CrawlReport:
    return crawl(site, folder, progress=False)


def read(site: Site, folder: Path) -> Parsed:
    return parse(site, folder / "pages.warc.gz", workers=1, progress=False)


def test_a_whole_site(web: Any, tmp_path: Path) -> None:
    web.fill(25)
    report = run(web.site(), tmp_path)
    assert report.pages == {"list": {"200": 3}, "home": {"200": 25}}
    assert report.errors == []
    assert len(read(web.site(), tmp_path).records) == 25
    assert sorted(web.requests) == sorted(set(web.requests))
    assert json.loads((tmp_path / "crawl.json").read_text())["pages"] == report.pages
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "crawl.json",
        "crawl.sqlite",
        "pages.warc.gz",
    ]


def test_what_real_sites_have(web: Any, tmp_path: Path) -> None:
    """Redirects, tracking, gzip, canonical links, dead, off-site, refused and busy pages, broken HTML."""
    links = [
        "/homes/1?utm_source=a",
        "/homes/1#top",
        "/homes/2",
        "/homes/old3",
        "/homes/4",
        "/homes/dead",
        "/homes/6",
    ]
    others = [
        "http://other.invalid/homes/7",
        "javascript:x()",
        "mailto:a@b",
        "http://[bad",
        "/private",
        "/homes/no/8",
        "",
    ]
    web.page("/list", "".join(f"<li><a href='{link}'>x</a>" for link in links + others))
    web.page("/robots.txt", "User-agent: *\nDisallow: /homes/no/\nCrawl-delay: 0.001")
    web.page("/homes/1", gzip.compress(web.home(1).encode()), Content_Encoding="gzip")
    web.page("/homes/2", web.home(2, extra="</div><p><div></p></table><b><i></b></i>"))
    web.page("/homes/old3", "", 301, Location="/homes/3?utm_campaign=x")
    web.page("/homes/3", web.home(3))
    web.page("/homes/4", web.home(1, head="<link rel=canonical href='/homes/1'>"))
    busy = web.Answer(b"busy", 503, {"Retry-After": "0"})
    web.routes["/homes/6"] = lambda count: busy if count == 1 else web.Answer(web.home(6).encode())
    report = run(web.site(), tmp_path)
    assert report.pages == {"list": {"200": 1}, "home": {"200": 5, "301": 1, "404": 1}}
    assert [(error.url, error.reason) for error in report.errors] == [
        (f"{web.url}/homes/dead", "404 Not Found")
    ]
    assert report.robots_refused == [f"{web.url}/homes/no/8"]
    assert report.off_site == {"other.invalid": 1}
    assert report.of_no_kind == 1
    assert report.duplicates == {f"{web.url}/homes/4": f"{web.url}/homes/1"}
    assert (report.redirects, report.retries) == (1, 1)
    parsed = read(web.site(), tmp_path)
    assert [record["pid"] for record in parsed.records] == ["0001", "0002", "0003", "0006"]
    assert web.count("/homes/1") == 1
    assert not {"/homes/no/8", "/private"} & set(web.requests)


def test_a_page_that_names_another_counts_as_that(web: Any, tmp_path: Path) -> None:
    web.page("/list", "<li><a href=/homes/featured>x</a><li><a href=/homes/1>x</a>")
    web.page("/homes/featured", web.home(1, head="<link rel=canonical href='/homes/1'>"))
    web.page("/homes/1", web.home(1))
    site = web.site(crawl={"concurrency": 1})
    run(site, tmp_path)
    assert [record["url"] for record in read(site, tmp_path).records] == [f"{web.url}/homes/1"]


def test_a_list_whose_pages_all_name_the_first_is_followed(web: Any, tmp_path: Path) -> None:
    web.fill(30)
    for number in (1, 2):
        html = web.answer(f"/list?page={number}").body.decode()
        web.page(f"/list?page={number}", f"<head><link rel=canonical href=/list></head>{html}")
    assert run(web.site(), tmp_path).pages["home"] == {"200": 30}


def test_a_busy_page_does_not_hold_up_the_others(web: Any, tmp_path: Path) -> None:
    web.fill(40, per_page=40)
    busy = web.Answer(b"busy", 503, {"Retry-After": "1"})
    fetched_meanwhile: list[int] = []

    def answer(count: int) -> Any:
        fetched_meanwhile.append(len(web.requests))
        return busy if count == 1 else web.Answer(web.home(0).encode())

    web.routes["/homes/0"] = answer
    run(web.site(), tmp_path)
    assert fetched_meanwhile[1] - fetched_meanwhile[0] > 30


def test_robots_delay_is_kept(web: Any, tmp_path: Path) -> None:
    web.fill(5)
    web.page("/robots.txt", "User-agent: millrace\nCrawl-delay: 0.05")
    started = time.monotonic()
    run(web.site(crawl={"user_agent": "millrace/0.1", "delay_s": 0.01}), tmp_path)
    assert time.monotonic() - started > 0.25


def test_robots_that_answers_503_refuses_all(web: Any, tmp_path: Path) -> None:
    web.fill(3)
    web.page("/robots.txt", "busy", 503)
    with pytest.raises(RobotsError, match=r"robots\.txt: answers 503 .* nothing may be fetched"):
        run(web.site(), tmp_path)
    assert set(web.requests) == {"/robots.txt"}


def test_robots_that_refuses_the_start(web: Any, tmp_path: Path) -> None:
    web.page("/robots.txt", "User-agent: *\nDisallow: /")
    with pytest.raises(RobotsError, match=r"/list: expected to fetch the start page, robots\.txt refuses it"):
        run(web.site(), tmp_path)


def test_a_page_that_stays_broken_is_named_and_fails_nothing(web: Any, tmp_path: Path) -> None:
    web.fill(12)
    web.page("/homes/3", "broken", 500)
    report = run(web.site(), tmp_path)
    assert [(e.url, e.kind, e.status, e.reason) for e in report.errors] == [
        (f"{web.url}/homes/3", "home", 500, "500 Internal Server Error after 2 retries")
    ]


def test_a_broken_list_page_fails_and_the_next_crawl_goes_on(web: Any, tmp_path: Path) -> None:
    web.fill(30)
    whole = web.routes["/list?page=2"]
    web.page("/list?page=2", "broken", 502)
    with pytest.raises(LostPagesError, match=r"/list\?page=2: 502 .* an unknown number is lost"):
        run(web.site(), tmp_path)
    assert not (tmp_path / "pages.warc.gz").exists()
    web.routes["/list?page=2"] = whole
    asked_before = len(web.requests)
    report = run(web.site(), tmp_path)
    assert report.resumed == 22
    assert len(web.requests) - asked_before == 1 + 1 + 10
    assert len(read(web.site(), tmp_path).records) == 30


def test_too_many_lost_pages_fail(web: Any, tmp_path: Path) -> None:
    web.fill(30)
    for number in range(12):
        web.page(f"/homes/{number}", "broken", 500)
    with pytest.raises(LostPagesError, match=r"12 of 33 pages could not be had, e\.g\. .*/homes/0 "):
        run(web.site(crawl={"retries": 0}), tmp_path)


def test_a_kind_of_page_never_reached_fails(web: Any, tmp_path: Path) -> None:
    web.page("/list", "<p>nothing here")
    with pytest.raises(LostPagesError, match=r"pages\.home: expected pages of this kind, came to none of 1"):
        run(web.site(), tmp_path)


def test_the_page_budget_ends_the_crawl(web: Any, tmp_path: Path) -> None:
    web.fill(30)
    report = run(web.site(crawl={"max_pages": 15}), tmp_path)
    assert report.total == 15
    assert report.left > 0


def test_a_redirect_loop_ends(web: Any, tmp_path: Path) -> None:
    web.page("/list", "<li><a href=/homes/1>x</a><li><a href=/homes/a?n=0>x</a>")
    web.page("/homes/1", web.home(1))
    for number in range(20):
        web.page(f"/homes/a?n={number}", "", 302, Location=f"/homes/a?n={number + 1}")
    report = run(web.site(), tmp_path)
    assert [error.reason for error in report.errors] == ["over 10 redirects"]


def test_a_redirect_off_the_site_is_not_followed(web: Any, tmp_path: Path) -> None:
    web.page("/list", "<li><a href=/homes/1>x</a><li><a href=/homes/2>x</a>")
    web.page("/homes/1", web.home(1))
    web.page("/homes/2", "", 302, Location="http://other.invalid/")
    assert run(web.site(), tmp_path).off_site == {"other.invalid": 1}


@pytest.mark.parametrize("status", [404, 500])
def test_a_start_page_that_fails_is_a_site_that_is_down(web: Any, tmp_path: Path, status: int) -> None:
    web.page("/list", "gone", status)
    with pytest.raises(SiteDownError, match=rf"/list: expected the start page, got {status}"):
        run(web.site(), tmp_path)


def test_a_site_that_is_down_leaves_the_old_pages(web: Any, tmp_path: Path) -> None:
    web.fill(3)
    run(web.site(), tmp_path)
    before = (tmp_path / "pages.warc.gz").read_bytes()
    site = web.site()
    web.close()
    with pytest.raises(
        SiteDownError, match=r"expected an answer, got none \(.*Connection refused.*\): is the site up"
    ):
        run(site, tmp_path)
    assert (tmp_path / "pages.warc.gz").read_bytes() == before
    assert len(read(site, tmp_path).records) == 3


def test_a_site_that_goes_down_half_way_ends_soon(web: Any, tmp_path: Path) -> None:
    web.fill(200, per_page=200)

    def reset(_: int) -> Any:
        raise ConnectionResetError

    for number in range(20, 200):
        web.routes[f"/homes/{number}"] = reset
    with pytest.raises(SiteDownError, match="got none to 10 pages in a row"):
        run(web.site(crawl={"retries": 0}), tmp_path)
    assert len(web.requests) < 60


def test_a_crawl_run_again_is_a_new_crawl(web: Any, tmp_path: Path) -> None:
    web.fill(3)
    run(web.site(), tmp_path)
    web.page("/homes/1", web.home(1, price="$7"))
    report = run(web.site(), tmp_path)
    assert report.resumed == 0
    assert read(web.site(), tmp_path).records[1]["price"] == 7.0


def test_pages_of_another_spec_are_not_taken_over(web: Any, tmp_path: Path) -> None:
    web.fill(30)
    web.page("/list?page=2", "broken", 502)
    with pytest.raises(LostPagesError):
        run(web.site(), tmp_path)
    web.fill(30)
    assert run(web.site(name="other"), tmp_path).resumed == 0


def test_the_warc_holds_every_answer(web: Any, tmp_path: Path) -> None:
    web.fill(2)
    web.page("/homes/1", "", 301, Location="/homes/gone")
    run(web.site(), tmp_path)
    stored = {
        (page.url.removeprefix(web.url), page.status) for page in read_pages(tmp_path / "pages.warc.gz")
    }
    assert stored == {
        ("/robots.txt", 404),
        ("/list", 200),
        ("/homes/0", 200),
        ("/homes/1", 301),
        ("/homes/gone", 404),
    }


def test_nothing_listens_where_the_site_should_be(web: Any, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        site = web.site(base_url=f"http://127.0.0.1:{probe.getsockname()[1]}")
    with pytest.raises(SiteDownError, match="is the site up"):
        run(site, tmp_path)
