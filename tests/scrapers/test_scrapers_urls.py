"""Spellings of one page come out the same, different pages do not, and what is no page is refused."""

import random

import pytest

from scrapers.urls import absolute, canonical, same_host

DROPPED = ["utm_*", "ref"]
BASE = "http://shop.example/list/a?page=1"


@pytest.mark.parametrize(
    "url",
    [
        "HTTP://Shop.Example/a?b=2&c=1",
        "http://shop.example:80/a?b=2&c=1",
        "http://shop.example/a?c=1&b=2#reviews",
        "http://shop.example/x/../a?c=1&b=2",
        "http://shop.example/./a?utm_source=mail&c=1&ref=x&b=2",
        "http://shop.example/%61?b=2&c=1",
    ],
)
def test_spellings_of_one_page(url: str) -> None:
    assert canonical(url, drop_query=DROPPED) == "http://shop.example/a?b=2&c=1"


def test_pages_that_differ_stay_different() -> None:
    urls = [
        "http://x.example/A",
        "http://x.example/a",
        "http://x.example/a/",
        "http://x.example/a?q=",
        "https://x.example/a",
    ]
    assert len({canonical(url) for url in urls}) == len(urls)


def test_canonical_is_idempotent() -> None:
    source = random.Random(5)
    letters = "ab/.%2eE?&=;+ #é:~-_@!$'()*,[]\\\t|\"<>^`{}AZ"
    for _ in range(3000):
        tail = "".join(source.choice(letters) for _ in range(source.randint(0, 14)))
        once = canonical(
            f"http://Shop.Example{source.choice(['', ':80', ':8080'])}/{tail}", drop_query=DROPPED
        )
        assert canonical(once, drop_query=DROPPED) == once


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ("b", "http://shop.example/list/b"),
        (" ?page=2#top ", "http://shop.example/list/a?page=2"),
        ("/é b?q=a b", "http://shop.example/%C3%A9%20b?q=a%20b"),
        ("//other.example/x", "http://other.example/x"),
        ("/x?utm_source=a&q=1&utm_medium=b", "http://shop.example/x?q=1"),
    ],
)
def test_links_are_made_absolute(link: str, url: str) -> None:
    assert absolute(link, BASE, drop_query=DROPPED) == url


@pytest.mark.parametrize(
    "link",
    [
        "javascript:void(0)",
        "mailto:a@b.example",
        "data:,x",
        "file:///etc/passwd",
        "http://[x",
        "http://x:99999/",
    ],
)
def test_what_is_no_page_is_refused(link: str) -> None:
    assert absolute(link, BASE) is None


@pytest.mark.parametrize(
    ("link", "base", "url"),
    [
        ("/items/a.html", "http://Shop.example:80/x/", "http://shop.example:80/items/a.html"),
        ("/items/7", "https://shop.example:99999/", None),
        ("/items/7", "http://shop.example:0/", None),
        ("/a/../b", "http://shop.example/", "http://shop.example/b"),
    ],
)
def test_a_plain_path_is_joined_as_any_other(link: str, base: str, url: str | None) -> None:
    found = absolute(link, base)
    assert found == url or canonical(found or "") == canonical(url or "-")
    # The space in front takes the long way round.
    assert found == absolute(f" {link}", base)


@pytest.mark.parametrize(
    "host", ["x.example", "X.example:443", "x.example:80", "a..b", "1.2.3.4:8080", "x:0"]
)
@pytest.mark.parametrize("path", ["/a", "/a/b.c/", "/-/_", "/a/B"])
def test_the_spelling_of_a_plain_path_stays(host: str, path: str) -> None:
    for scheme in ("http", "https"):
        whole = canonical(f"{scheme}://{host}{path}")
        assert whole == canonical(f"{scheme}://{host}{path}#part")


def test_same_host_means_scheme_name_and_port() -> None:
    assert same_host("http://SHOP.example:80/x", "http://shop.example")
    assert not same_host("http://shop.example:81/x", "http://shop.example")
    assert not same_host("https://shop.example/x", "http://shop.example")
    assert not same_host("http://www.shop.example/x", "http://shop.example")
