"""Fetching from a real server: retries, Retry-After, broken bodies, limits; every failure has its reason."""

import gzip
import socket
import time
import zlib
from typing import Any

import pytest

from scrapers.fetch import Fetcher
from scrapers.fetched import Fetched


def get(url: str, base_url: str, **changes: Any) -> Fetched:
    settings: dict[str, Any] = {
        "retries": 2,
        "backoff_s": 0.01,
        "timeout_s": 2,
        "user_agent": "millrace/0.1 (+x)",
    }
    with Fetcher(base_url, **settings | changes) as fetcher:
        return fetcher.get(url)


def test_an_answer_is_kept_as_it_came(web: Any) -> None:
    html = b"<p>hello " * 500
    web.page("/a", gzip.compress(html), Content_Encoding="gzip", X_Note="one")
    fetched = get(web.url + "/a", web.url)
    assert (fetched.status, fetched.error, fetched.retries) == (200, "", 0)
    assert fetched.content == html
    assert gzip.decompress(fetched.body) == html
    assert fetched.header("x-note") == "one"
    assert web.agents == {"millrace/0.1 (+x)"}


@pytest.mark.parametrize("bits", [15, -15])
def test_deflate_comes_with_or_without_a_header(web: Any, bits: int) -> None:
    packer = zlib.compressobj(wbits=bits)
    web.page("/a", packer.compress(b"<p>x") + packer.flush(), Content_Encoding="deflate")
    assert get(web.url + "/a", web.url).content == b"<p>x"


def test_503_with_retry_after_then_200(web: Any) -> None:
    busy = web.Answer(b"busy", 503, {"Retry-After": "1"})
    web.routes["/a"] = lambda count: busy if count == 1 else web.Answer(b"<p>now")
    started = time.monotonic()
    fetched = get(web.url + "/a", web.url)
    assert (fetched.status, fetched.content, fetched.retries) == (200, b"<p>now", 1)
    assert 1.0 <= time.monotonic() - started < 3


def test_a_server_error_after_all_retries_is_named(web: Any) -> None:
    web.page("/a", "broken", 500)
    fetched = get(web.url + "/a", web.url)
    assert fetched.error == "500 Internal Server Error after 2 retries"
    assert web.count("/a") == 3


def test_a_missing_page_is_not_asked_for_again(web: Any) -> None:
    fetched = get(web.url + "/a", web.url)
    assert (fetched.status, fetched.error) == (404, "404 Not Found")
    assert web.count("/a") == 1


def test_a_body_cut_short_is_fetched_again(web: Any) -> None:
    cut = web.Answer(b"<p>hal", declared_length=20)
    web.routes["/a"] = lambda count: cut if count == 1 else web.Answer(b"<p>half")
    fetched = get(web.url + "/a", web.url)
    assert (fetched.content, fetched.retries, fetched.error) == (b"<p>half", 1, "")


def test_a_gzip_body_that_stays_cut_short_is_an_error(web: Any) -> None:
    web.page("/a", gzip.compress(b"<p>half" * 100)[:-12], Content_Encoding="gzip")
    fetched = get(web.url + "/a", web.url)
    assert "cut short" in fetched.error
    assert fetched.content == b""


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_a_body_over_the_limit_is_an_error_and_not_tried_again(web: Any, encoding: str) -> None:
    body = gzip.compress(b" " * 5_000_000) if encoding else b" " * 200_000
    web.page("/a", body, **({"Content_Encoding": encoding} if encoding else {}))
    fetched = get(web.url + "/a", web.url, max_bytes=100_000)
    assert fetched.error.startswith("body over 100,000 bytes")
    assert web.count("/a") == 1


def test_redirects_are_answers_and_follow_goes_after_them(web: Any) -> None:
    web.page("/a", "", 302, Location="/b")
    web.page("/b", "<p>b")
    assert get(web.url + "/a", web.url).location == "/b"
    with Fetcher(web.url, user_agent="x") as fetcher:
        assert fetcher.follow(web.url + "/a").url == web.url + "/b"
        web.page("/b", "", 302, Location="http://other.invalid/")
        assert fetcher.follow(web.url + "/a").location == "http://other.invalid/"


def test_no_answer_has_a_reason() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    fetched = get(url + "/", url)
    assert fetched.status == 0
    assert "Connection refused" in fetched.error
    assert "\n" not in fetched.error


def test_a_slow_answer_times_out(web: Any) -> None:
    def slow(_: int) -> Any:
        time.sleep(0.5)
        return web.Answer(b"late")

    web.routes["/a"] = slow
    fetched = get(web.url + "/a", web.url, timeout_s=0.1, retries=0)
    assert fetched.status == 0
    assert "timed out" in fetched.error.lower()


def test_requests_keep_their_distance(web: Any) -> None:
    web.page("/a", "x")
    with Fetcher(web.url, user_agent="x", delay_s=0.05) as fetcher:
        started = time.monotonic()
        for _ in range(5):
            fetcher.get(web.url + "/a")
    assert time.monotonic() - started >= 0.2


def test_a_proxy_of_the_environment_is_asked(web: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in ("/a?b=1", "/c"):
        web.page(f"http://shop.example{path}", f"<p>{path}</p>")
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, web.url)
    with Fetcher("http://shop.example", user_agent="test", retries=0) as fetcher:
        for path in ("/a?b=1", "/c", "/a?b=1"):
            assert fetcher.once(f"http://shop.example{path}").content == f"<p>{path}</p>".encode()
    assert web.requests == [f"http://shop.example{path}" for path in ("/a?b=1", "/c", "/a?b=1")]


def test_a_site_of_two_origins_is_asked_in_turn(web: Any) -> None:
    web.page("/a", "<p>x")
    other = web.url.replace("127.0.0.1", "localhost")
    with Fetcher(web.url, user_agent="test", retries=0) as fetcher:
        for origin in (web.url, other) * 3:
            assert fetcher.once(f"{origin}/a").error == ""
