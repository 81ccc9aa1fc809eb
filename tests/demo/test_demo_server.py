"""The running site behaves like a real one: started as a process, asked over HTTP."""

import gzip
import http.client
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
import requests
from protego import Protego

from demo.sales import read_homes
from demo.site import Site

HOMES = 60


@contextmanager
def started(*arguments: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    command = [sys.executable, "-m", "demo", "--port", "0", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        yield process.stdout.readline().removeprefix("Listening on ").strip(), process
    finally:
        process.terminate()
        process.communicate(timeout=10)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with started("--limit", str(HOMES)) as (address, _):
        yield address


@pytest.fixture(scope="module")
def site() -> Site:
    return Site(read_homes(HOMES), "http://127.0.0.1:1")


@pytest.fixture(scope="module")
def listing_pages(url: str) -> list[str]:
    """Every listing page, found by following "next" from the first."""
    pages, link = [], "/listings"
    while link:
        pages.append(requests.get(url + link, timeout=5).text)
        found = re.search(r'class="next"[^>]* href="([^"]+)"', pages[-1])
        link = found[1] if found else ""
    return pages


def raw_get(url: str, path: str, **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=5)
    try:
        connection.request(
            "GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def test_health_answers_200(url: str) -> None:
    assert requests.get(url + "/health", timeout=5).status_code == 200


def test_robots_forbid_a_part_and_ask_for_a_small_delay(url: str) -> None:
    rules = Protego.parse(requests.get(url + "/robots.txt", timeout=5).text)
    for path in ("/agents/desk-1", "/search?q=hip", "/neighborhoods/preview"):
        assert not rules.can_fetch(url + path, "millrace")
    assert rules.can_fetch(url + "/homes/0526301100", "millrace")
    assert 0 < rules.crawl_delay("millrace") <= 0.01
    assert list(rules.sitemaps) == [url + "/sitemap.xml"]


def test_sitemap_names_every_home(url: str, site: Site) -> None:
    text = requests.get(url + "/sitemap.xml", timeout=5).text
    assert set(re.findall(r"<loc>[^<]*/homes/(\d+)</loc>", text)) == set(site.homes)


def test_listing_pages_lead_to_every_home_and_neighborhood(listing_pages: list[str], site: Site) -> None:
    text = "".join(listing_pages)
    places = set(re.findall(r'href="/neighborhoods/([a-z-]+)', text))
    assert len(listing_pages) == 3
    assert set(re.findall(r'<h2><a href="/homes/(\d{10})', text)) >= set(site.homes)
    assert places == {*site.neighborhoods, "preview"}
    assert 3 <= len(site.neighborhoods) <= 28


def test_listings_hold_what_real_ones_hold(listing_pages: list[str]) -> None:
    first = listing_pages[0]
    assert re.search(
        r'href="/homes/\d+\?utm_source=grid&amp;ref=|href="/homes/\d+\?utm_source=grid&ref=', first
    )
    assert 'href="https://mortgages.example.com/' in first
    assert 'href="/agents/' in first
    assert 'href="/search"' in first


def test_a_listed_home_is_dead(url: str, listing_pages: list[str], site: Site) -> None:
    listed = set(re.findall(r'<h2><a href="/homes/(\d{10})', "".join(listing_pages)))
    (dead,) = listed - set(site.homes)
    assert requests.get(f"{url}/homes/{dead}", timeout=5).status_code == 404


@pytest.mark.parametrize(
    "path",
    ["/nope", "/homes/1", "/listings?page=0", "/listings?page=4", "/listings?page=two", "/neighborhoods/x",
     "/api/neighborhoods/x", "/static/../server.py", "/homes/1/house.svg"],
)  # fmt: skip
def test_what_is_not_there_is_404(url: str, path: str) -> None:
    assert raw_get(url, path)[0].status == 404


def test_featured_home_is_the_same_page_by_another_url(url: str, listing_pages: list[str]) -> None:
    found = re.search(r'href="/featured/(\d+)\?utm_source=', listing_pages[0])
    assert found
    pid = found[1]
    assert 'rel="canonical" href="' + url + "/homes/" + pid in (
        featured := requests.get(f"{url}/featured/{pid}", timeout=5).text
    )
    assert featured == requests.get(f"{url}/homes/{pid}", timeout=5).text


def test_gzip_only_when_accepted(url: str) -> None:
    plain, body = raw_get(url, "/listings")
    packed, packed_body = raw_get(url, "/listings", Accept_Encoding="gzip, deflate")
    assert plain.getheader("Content-Encoding") is None
    assert packed.getheader("Content-Encoding") == "gzip"
    assert packed.getheader("Vary") == "Accept-Encoding"
    assert gzip.decompress(packed_body) == body
    assert len(packed_body) < len(body) / 2


def test_etag_gives_304(url: str, site: Site) -> None:
    path = f"/homes/{next(iter(site.homes))}"
    etag = str(raw_get(url, path)[0].getheader("ETag"))
    again, body = raw_get(url, path, If_None_Match=etag)
    assert (again.status, body, again.getheader("ETag")) == (304, b"", etag)
    assert raw_get(url, path, If_None_Match='W/"other"')[0].status == 200


def test_connection_is_kept_and_head_has_no_body(url: str) -> None:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=5)
    connection.request("HEAD", "/listings")
    response = connection.getresponse()
    assert response.read() == b""
    assert int(str(response.getheader("Content-Length"))) > 1000
    socket = connection.sock
    connection.request("GET", "/health")
    assert connection.getresponse().read() == b"ok\n"
    assert connection.sock is socket
    connection.close()


def test_one_home_is_busy_the_first_time(site: Site) -> None:
    with started("--limit", str(HOMES)) as (address, _):
        first = requests.get(f"{address}/homes/{site.busy_pid}", timeout=5)
        assert first.status_code == 503
        assert first.headers["Retry-After"] == "1"
        assert requests.get(f"{address}/homes/{site.busy_pid}", timeout=5).status_code == 200


def test_map_comes_in_batches() -> None:
    with started() as (address, _):
        source = f"{address}/api/neighborhoods/north-ames"
        first = requests.get(source, timeout=10).json()
        last = requests.get(source + "?offset=420", timeout=5).json()
        assert (first["total"], len(first["homes"]), len(last["homes"])) == (443, 60, 23)
        assert set(first["homes"][0]) == {"pid", "longitude", "latitude", "price"}


def test_search_finds_a_home_by_its_parcel(url: str, site: Site) -> None:
    pid = next(iter(site.homes))
    assert f'href="/homes/{pid}"' in requests.get(f"{url}/search", {"q": pid}, timeout=5).text


def test_search_text_is_escaped(url: str) -> None:
    assert "<script>x" not in requests.get(f"{url}/search", {"q": "<script>x"}, timeout=5).text


def test_taken_port_is_one_line_and_an_error(url: str) -> None:
    port = str(urlsplit(url).port)
    run = subprocess.run(
        [sys.executable, "-m", "demo", "--port", port], capture_output=True, text=True, timeout=20
    )
    assert run.returncode == 1
    assert run.stderr.count("\n") == 1
    assert f"127.0.0.1:{port}" in run.stderr
    assert "--port" in run.stderr


@pytest.mark.parametrize("limit", ["0", "2931", "many"])
def test_limit_out_of_range_is_refused(limit: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "demo", "--limit", limit], capture_output=True, text=True, timeout=20
    )
    assert run.returncode == 2
    assert "--limit" in run.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stops_cleanly_when_told(number: signal.Signals) -> None:
    with started("--limit", "5") as (address, process), requests.Session() as session:
        assert session.get(address + "/", timeout=5).ok
        process.send_signal(number)
        assert process.wait(timeout=5) == 0
