"""Sites on a bad day: the right records, nothing lost or doubled, no hang, what was not had is named."""

import gzip
import socket
import struct
import time
import tracemalloc
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from scrapers.crawl import crawl
from scrapers.errors import LostPagesError, RobotsError, SiteDownError
from scrapers.fetch import Fetcher
from scrapers.parse import parse
from scrapers.report import CrawlReport
from scrapers.spec import Site
from tests.scrapers.fault_site import FaultSite, answer

HOMES = 40


@pytest.fixture
def web() -> Iterator[FaultSite]:
    site = FaultSite(HOMES)
    yield site
    site.close()


def run(site: Site, folder: Path) -> CrawlReport:
    return crawl(site, folder, progress=False)


def pids(site: Site, folder: Path) -> list[int]:
    """The keys of the records; each record's price says that it is its own page's."""
    records = parse(site, folder / "pages.warc.gz", workers=1, progress=False).records
    assert all(record["price"] == 100_000 + int(str(record["pid"])) for record in records)
    return [int(str(record["pid"])) for record in records]


def all_but(*numbers: int) -> list[int]:
    return [number for number in range(HOMES) if number not in numbers]


def failures(report: CrawlReport, web: FaultSite) -> dict[str, str]:
    return {failure.url.removeprefix(web.url): failure.reason for failure in report.errors}


def test_slow_pages_hold_up_nothing(web: FaultSite, tmp_path: Path) -> None:
    ended: dict[str, float] = {}
    began = time.monotonic()

    def before(_: socket.socket, path: str, __: int) -> bool:
        if path in {"/homes/0", "/homes/1"}:
            time.sleep(0.9)
        ended[path] = time.monotonic() - began
        return False

    web.before = before
    report = run(web.site(), tmp_path)
    assert pids(web.site(), tmp_path) == all_but()
    assert report.errors == []
    assert sum(moment < ended["/homes/0"] for moment in ended.values()) > HOMES // 2


def test_pages_that_answer_503_twice(web: FaultSite, tmp_path: Path) -> None:
    busy = answer("busy", "503 Service Unavailable")
    for number in range(0, HOMES, 10):
        web.route(f"/homes/{number}", busy, busy, answer(web.home(number)))
    report = run(web.site(), tmp_path)
    assert pids(web.site(), tmp_path) == all_but()
    assert (report.errors, report.retries) == ([], 8)


@pytest.mark.parametrize("retries", [1, 3])
def test_a_burst_of_502_of_the_whole_site_is_waited_out(web: FaultSite, tmp_path: Path, retries: int) -> None:
    began: list[float] = []

    def before(sock: socket.socket, _: str, __: int) -> bool:
        if len(web.requests) > 15 and not began:
            began.append(time.monotonic())
        if began and time.monotonic() - began[0] < 1.5:
            sock.sendall(answer("bad gateway", "502 Bad Gateway"))
            return True
        return False

    web.before = before
    report = run(web.site(retries=retries), tmp_path)
    assert pids(web.site(retries=retries), tmp_path) == all_but()
    assert report.errors == []


def test_a_site_that_stays_down_is_gone_on_with_later(web: FaultSite, tmp_path: Path) -> None:
    def before(sock: socket.socket, path: str, _: int) -> bool:
        if path != "/robots.txt" and len(web.requests) > 15:
            sock.sendall(answer("bad gateway", "502 Bad Gateway"))
            return True
        return False

    web.before = before
    with pytest.raises(SiteDownError, match=r"has been down for .* the crawl goes on from here"):
        run(web.site(patience_s=0.5), tmp_path)
    web.before = lambda *_: False
    assert run(web.site(patience_s=0.5), tmp_path).resumed >= 10
    assert pids(web.site(patience_s=0.5), tmp_path) == all_but()


@pytest.mark.parametrize("as_date", [False, True])
def test_windows_of_429_are_waited_for(web: FaultSite, tmp_path: Path, as_date: bool) -> None:
    started: list[float] = []

    def before(sock: socket.socket, path: str, _: int) -> bool:
        now = time.monotonic()
        if path.startswith("/homes") and len(web.requests) > 20 and not started:
            started.append(now)
        if started and now - started[0] < 1.0:
            until = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
            sock.sendall(answer("slow down", "429 Too Many Requests", Retry_After=until if as_date else "1"))
            return True
        return False

    web.before = before
    report = run(web.site(retries=0), tmp_path)
    assert pids(web.site(retries=0), tmp_path) == all_but()
    assert report.errors == []
    # While it was to wait it asked nothing: only what was under way when the first 429 came.
    assert report.retries <= 8


def test_pages_that_are_not_there_are_named(web: FaultSite, tmp_path: Path) -> None:
    web.route("/homes/1", answer("", "404 Not Found"))
    web.route("/homes/2", answer("", "410 Gone"))
    web.route("/homes/3", answer("", "500 Internal Server Error"))
    report = run(web.site(), tmp_path)
    assert failures(report, web) == {
        "/homes/1": "404 Not Found",
        "/homes/2": "410 Gone",
        "/homes/3": "500 Internal Server Error after 3 retries",
    }
    assert pids(web.site(), tmp_path) == all_but(1, 2, 3)


def reset(sock: socket.socket, _: int) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def broken_bodies(web: FaultSite) -> dict[str, bytes]:
    """Answers that are not whole, by what is wrong with them."""
    html = web.home(7).encode() * 3
    packed = gzip.compress(html)
    chunk = f"{len(html):x}\r\n".encode() + html + b"\r\n"
    return {
        "cut short": answer(html[:-40], length=len(html)),
        "chunked without end": answer(chunk, length=None, Transfer_Encoding="chunked"),
        "longer than it says": answer(html, length=len(html) - 40),
        "gzip cut at its length": answer(packed[:-12], Content_Encoding="gzip"),
        "gzip broken": answer(packed[:20] + b"\0" * 20 + packed[40:], Content_Encoding="gzip"),
        "no answer": b"",
        "no HTTP": b"hello\r\n\r\n",
    }


@pytest.mark.parametrize("fault", list(broken_bodies(FaultSite.__new__(FaultSite))))
def test_half_a_page_is_never_taken_for_a_whole_one(web: FaultSite, tmp_path: Path, fault: str) -> None:
    broken = broken_bodies(web)[fault]
    web.route("/homes/7", broken, broken, answer(web.home(7)), close=True)
    web.route("/homes/8", broken, close=True)
    report = run(web.site(), tmp_path)
    assert list(failures(report, web)) == ["/homes/8"]
    assert failures(report, web)["/homes/8"].endswith("after 3 retries")
    assert pids(web.site(), tmp_path) == all_but(8)


def test_connections_that_are_reset(web: FaultSite, tmp_path: Path) -> None:
    web.routes["/homes/5"] = lambda sock, count: (
        reset(sock, count) if count < 3 else sock.sendall(answer(web.home(5)))
    )
    web.routes["/homes/6"] = reset
    report = run(web.site(), tmp_path)
    assert list(failures(report, web)) == ["/homes/6"]
    assert pids(web.site(), tmp_path) == all_but(6)


def test_redirects_that_lead_on_in_circles_and_inside(web: FaultSite, tmp_path: Path) -> None:
    inside = FaultSite(1)
    try:
        web.route("/homes/1", answer("", "301 Moved", Location="/homes/one"))
        web.route("/homes/one", answer("", "302 Found", Location="/homes/100"))
        web.route("/homes/100", answer(web.home(1)))
        web.route("/homes/2", answer("", "302 Found", Location="/homes/two"))
        web.route("/homes/two", answer("", "302 Found", Location="/homes/2"))
        web.route("/homes/3", answer("", "302 Found", Location="/homes/three"))
        web.route("/homes/three", answer("", "302 Found", Location=f"{inside.url}/homes/0"))
        web.route("/homes/4", answer(f"<meta http-equiv=refresh content='0; url={inside.url}/homes/0'>"))
        web.route("/homes/5", answer("<meta http-equiv=Refresh content='0;URL=/homes/500'>"))
        web.route("/homes/500", answer(web.home(5)))
        report = run(web.site(), tmp_path)
        assert inside.requests == []
    finally:
        inside.close()
    assert report.off_site == {"127.0.0.1": 1}
    assert set(failures(report, web)) == {"/homes/2", "/homes/two", "/homes/three", "/homes/4"}
    assert all("redirect" in reason for reason in failures(report, web).values())
    assert pids(web.site(), tmp_path) == all_but(2, 3, 4)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "::ffff:10.0.0.1"])
def test_a_public_name_that_leads_inside_is_not_asked(
    web: FaultSite, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    port = int(web.url.rpartition(":")[2])
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    found = [(family, socket.SOCK_STREAM, 6, "", (address, port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with Fetcher(f"http://homes.example.com:{port}", user_agent="x", retries=0) as fetcher:
        fetched = fetcher.get(f"http://homes.example.com:{port}/homes/1")
    assert "not an address of the open Internet" in fetched.error
    assert not fetched.transient
    assert web.requests == []


def endless(sock: socket.socket, _: int) -> None:
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>")
    while True:
        sock.sendall(b"<p>and on</p>" * 5000)


def test_bodies_without_measure_are_let_go(web: FaultSite, tmp_path: Path) -> None:
    bomb = gzip.compress(gzip.compress(b"\0" * 80_000_000))
    web.route("/homes/1", answer(bomb, Content_Encoding="gzip, gzip"))
    web.route("/homes/2", answer(gzip.compress(b" " * 8_000_000), Content_Encoding="gzip"))
    web.routes["/homes/3"] = endless
    web.route("/homes/4", answer(b" " * 1000, length=60_000_000))
    tracemalloc.start()
    report = run(web.site(max_bytes=4_000_000), tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert set(failures(report, web)) == {f"/homes/{number}" for number in (1, 2, 3, 4)}
    assert all(reason.startswith("body over") for reason in failures(report, web).values())
    assert web.count("/homes/3") == 1
    assert pids(web.site(max_bytes=4_000_000), tmp_path) == all_but(1, 2, 3, 4)
    assert peak < 60_000_000


@pytest.mark.parametrize("at_once", [10, 120])
def test_a_byte_now_and_then_is_no_answer(web: FaultSite, tmp_path: Path, at_once: int) -> None:
    web.drip("/homes/9", answer(web.home(9)), at_once)
    site = web.site(total_timeout_s=0.7, retries=1)
    began = time.monotonic()
    report = run(site, tmp_path)
    assert time.monotonic() - began < 6
    assert failures(report, web) == {"/homes/9": "no whole answer within 0.7 s after 1 retries"}
    assert pids(site, tmp_path) == all_but(9)


def test_a_next_link_that_never_ends(web: FaultSite, tmp_path: Path) -> None:
    def before(sock: socket.socket, path: str, _: int) -> bool:
        if not path.startswith("/list?page=") or int(path[11:]) < 4:
            return False
        more = f"<a class=next href=/list?page={int(path[11:]) + 1}>more</a>"
        sock.sendall(answer(f"<li><a href=/homes/1>x</a>{more}"))
        return True

    web.before = before
    web.route("/list?page=3", answer(web.list_page(3) + "<a class=next href=/list?page=4>more</a>"))
    report = run(web.site(max_barren=5), tmp_path)
    assert pids(web.site(max_barren=5), tmp_path) == all_but()
    assert list(report.passed_over) == ["barren"]
    assert report.pages["list"] == {"200": 4 + 5}


def test_a_calendar_without_end(web: FaultSite, tmp_path: Path) -> None:
    def before(sock: socket.socket, path: str, _: int) -> bool:
        if not path.startswith("/list/day/"):
            return False
        day = int(path[10:])
        sock.sendall(answer("".join(f"<li><a href=/list/day/{day * 2 + more}>x</a>" for more in (0, 1))))
        return True

    web.before = before
    web.route("/list?page=3", answer(web.list_page(3) + "<li><a href=/list/day/1>calendar</a>"))
    report = run(web.site(max_barren=4), tmp_path)
    assert pids(web.site(max_barren=4), tmp_path) == all_but()
    assert report.pages["list"]["200"] <= 4 + 2**5


def test_many_spellings_of_one_page(web: FaultSite, tmp_path: Path) -> None:
    port = web.url.rpartition(":")[2]
    links = [
        "/homes/1?utm_source=a&gclid=3",
        "/homes/1?PHPSESSID=abc",
        "/homes/1;jsessionid=1A2B?utm_medium=b",
        "/homes/1#photos",
        "/./homes/../homes/1",
        f"HTTP://127.0.0.1:{port}/homes/1",
        "/homes/%31",
        "/homes/1",
    ]
    web.route("/list", answer("".join(f"<li><a href='{link}'>x</a>" for link in links)))
    run(web.site(), tmp_path)
    assert pids(web.site(), tmp_path) == [1]
    assert len(web.requests) == 3


def test_pages_that_differ_in_case_only_are_two(web: FaultSite, tmp_path: Path) -> None:
    web.route("/list", answer("<li><a href=/homes/a1>x</a><li><a href=/homes/A1>x</a>"))
    web.route("/homes/a1", answer(web.home(1)))
    web.route("/homes/A1", answer(web.home(2)))
    run(web.site(), tmp_path)
    assert pids(web.site(), tmp_path) == [1, 2]


def test_links_that_lead_nowhere(web: FaultSite, tmp_path: Path) -> None:
    links = [
        "file:///etc/passwd",
        "data:text/html,x",
        "javascript:go()",
        "http://",
        "http://[::1",
        "//",
        "tel:1",
    ]
    links += ["http://a.example.net/homes/1", "http://127.0.0.1:99999/homes/2", "/homes/3\x00"]
    items = "".join(f"<li><a href='{link}'>x</a>" for link in links)
    web.route("/list", answer(items + "<li><a href=/homes/1>x</a>"))
    run(web.site(), tmp_path)
    assert 1 in pids(web.site(), tmp_path)


def test_a_challenge_is_not_a_page(web: FaultSite, tmp_path: Path) -> None:
    page = answer("<html><head><title>Just a moment...</title></head><h1>Checking your browser</h1></html>")
    web.route("/homes/1", page, answer(web.home(1)))
    web.route("/homes/2", page)
    report = run(web.site(), tmp_path)
    assert failures(report, web) == {
        "/homes/2": "expected a page, got a challenge to the crawler ('Just a moment') after 3 retries"
    }
    assert pids(web.site(), tmp_path) == all_but(2)


def test_robots_rules_and_its_delay(web: FaultSite, tmp_path: Path) -> None:
    rules = "User-agent: *\nDisallow: /homes/3$\nDisallow: /homes/2*\nAllow: /homes/21\nCrawl-delay: 0.02"
    web.route("/robots.txt", answer(rules))
    began = time.monotonic()
    report = run(web.site(), tmp_path)
    assert time.monotonic() - began > 0.02 * len(web.requests) * 0.9
    refused = {2, 3, 20, *range(22, 30)}
    assert {int(url.rpartition("/")[2]) for url in report.robots_refused} == refused
    assert pids(web.site(), tmp_path) == all_but(*refused)


def test_robots_that_answers_503_lets_nothing_be_fetched(web: FaultSite, tmp_path: Path) -> None:
    web.route("/robots.txt", answer("", "503 Service Unavailable"))
    with pytest.raises(RobotsError):
        run(web.site(retries=1), tmp_path)
    assert set(web.requests) == {"/robots.txt"}


def test_robots_is_followed_to_where_it_moved(web: FaultSite, tmp_path: Path) -> None:
    web.route("/robots.txt", answer("", "301 Moved Permanently", Location="/crawlers.txt"))
    web.route("/crawlers.txt", answer("User-agent: *\nDisallow: /homes/1"))
    report = run(web.site(), tmp_path)
    assert f"{web.url}/homes/1" in report.robots_refused


def test_what_http_allows(web: FaultSite, tmp_path: Path) -> None:
    html = [web.home(number).encode() for number in range(8)]
    chunks = b"".join(
        f"{len(part):x};note=1\r\n".encode() + part + b"\r\n" for part in (html[1][:50], html[1][50:])
    )
    web.route("/homes/0", answer(html[0], length=None, version="1.0"), close=True)
    web.route(
        "/homes/1", answer(chunks + b"0\r\nX-Trailer: 1\r\n\r\n", length=None, Transfer_Encoding="chunked")
    )
    web.route("/homes/2", answer(zlib.compress(html[2]), Content_Encoding="deflate"))
    web.route("/homes/3", answer(html[3], Content_Type="application/octet-stream"))
    web.route("/homes/4", answer(b"%PDF-1.7 ..."))
    web.route("/homes/5", answer(b""))
    web.route("/homes/6", answer(b"", "204 No Content", length=None))
    report = run(web.site(), tmp_path)
    assert failures(report, web) == {
        "/homes/4": "expected a page, got a PDF",
        "/homes/5": "200 with an empty body after 3 retries",
        "/homes/6": "204 No Content",
    }
    assert pids(web.site(), tmp_path) == all_but(4, 5, 6)


def test_a_list_page_that_fails_is_an_unknown_number_lost(web: FaultSite, tmp_path: Path) -> None:
    web.route("/list?page=2", answer("", "500 Internal Server Error"))
    with pytest.raises(LostPagesError, match=r"an unknown number is lost .*crawl\.json\.partial"):
        run(web.site(), tmp_path)
    assert "/list?page=2" in (tmp_path / "crawl.json.partial").read_text()


@pytest.mark.parametrize("homes", [HOMES, pytest.param(600, marks=pytest.mark.slow)])
def test_a_second_crawl_fetches_only_what_has_changed(web: FaultSite, homes: int, tmp_path: Path) -> None:
    web.homes = homes

    def tag(path: str) -> str:
        return f'"{path}-{changed.get(path, 0)}"'

    def before(sock: socket.socket, path: str, _: int) -> bool:
        number = path.removeprefix("/homes/")
        if not number.isdigit():
            return False
        same = f"If-None-Match: {tag(path)}" in web.heads[-1]
        page = answer("", "304 Not Modified", length=None, ETag=tag(path))
        sock.sendall(page if same else answer(web.home(int(number)), ETag=tag(path)))
        return True

    changed: dict[str, int] = {}
    web.before = before
    site = web.site(concurrency=1)
    first = run(site, tmp_path)
    records = pids(site, tmp_path)
    assert records == [*range(homes)]
    changed["/homes/3"] = 1
    web.route("/list?page=1", answer(web.list_page(1).replace("<li><a href=/homes/11>x</a>", "")))
    again = run(site, tmp_path)
    assert (first.unchanged, again.unchanged) == (0, homes - 2)
    assert again.gone == [f"{web.url}/homes/11"]
    assert pids(site, tmp_path) == [number for number in records if number != 11]
    third = run(site, tmp_path)
    assert third.unchanged == homes - 1
    assert pids(site, tmp_path) == [number for number in records if number != 11]


def test_pages_had_since_a_moment_are_not_asked_for(web: FaultSite, tmp_path: Path) -> None:
    run(web.site(), tmp_path)
    web.requests.clear()
    report = crawl(web.site(), tmp_path, progress=False, since=datetime.now(UTC) - timedelta(hours=1))
    assert web.requests == ["/robots.txt"]
    assert report.unchanged == report.total == HOMES + 4
    assert pids(web.site(), tmp_path) == all_but()
