"""A site to scrape: pages of 81 fields behind list pages of 24, the truth about them, and a server for it.

    python benchmarks/scraping_site.py PAGES PORT

Fields stand in five shapes: an element of its own class (c01..), a dt/dd pair (d01..), a th/td row (t01..),
an attribute (a01..) and a sentence (s01..). Pages take 15 to 35 kB, most of it what nobody asks for.
"""

import asyncio
import sys
from collections.abc import Iterator
from functools import cache
from random import Random

A_LIST = 24
CLASSES, PAIRS, ROWS, ATTRIBUTES, SENTENCES = 20, 22, 22, 8, 8
KEY = "key"
_WORDS = ("amber", "basin", "cedar", "delta", "ember", "fjord", "grove", "haven", "inlet", "jetty", "knoll")


def names() -> list[str]:
    """The 81 fields: the key and 80 others."""
    shapes = (("c", CLASSES), ("d", PAIRS), ("t", ROWS), ("a", ATTRIBUTES), ("s", SENTENCES))
    return [KEY, *(f"{shape}{at:02d}" for shape, number in shapes for at in range(1, number + 1))]


@cache
def label(name: str) -> str:
    """The label before a dt/dd or th/td field."""
    return f"{_WORDS[int(name[1:]) % len(_WORDS)].title()} {name[1:]}"


def record(number: int) -> dict[str, str]:
    """The truth about a page."""
    random = Random(number)
    values = {name: f"{random.choice(_WORDS)} {random.randrange(10_000)}" for name in names()}
    return values | {KEY: f"{number:06d}"}


def detail(number: int) -> str:
    """The page of a record."""
    values = record(number)
    classes = "".join(
        f'<span class="fact {name}">{values[name]}</span>' for name in names() if name[0] == "c"
    )
    pairs = "".join(
        f"<div><dt>{label(name)}</dt><dd>{values[name]}</dd></div>" for name in names() if name[0] == "d"
    )
    rows = "".join(
        f"<tr><th>{label(name)}</th><td>{values[name]}</td></tr>" for name in names() if name[0] == "t"
    )
    attributes = "".join(
        f'<i class="mark {name}" data-value="{values[name]}"></i>' for name in names() if name[0] == "a"
    )
    sentences = "".join(
        f'<p class="say {name}">It is said that <b>{values[name]}</b> is so.</p>'
        for name in names()
        if name[0] == "s"
    )
    facts = f"<div id=facts>{classes}</div><dl id=pairs>{pairs}</dl><table id=rows>{rows}</table>"
    title = f"<h1>Item {number}</h1><em id=key>{values[KEY]}</em>"
    body = f"{title}{facts}<div id=marks>{attributes}</div>{sentences}"
    head = f"<title>Item {number}</title><style>{'.x{margin:0}' * 60}</style>"
    return _document(head, f"<main>{body}</main>{_padding(number)}")


def listing(number: int, pages: int) -> str:
    """The list page of that number, from 0."""
    numbers = range(number * A_LIST, min((number + 1) * A_LIST, pages))
    items = "".join(f'<li class="item"><a href="/items/{at}">Item {at}</a></li>' for at in numbers)
    more = f'<a class="next" href="/list?page={number + 1}">next</a>' if numbers.stop < pages else ""
    return _document("<title>Items</title>", f"<ul>{items}</ul>{more}{_padding(number)}")


def _document(head: str, body: str) -> str:
    return f"<!doctype html><html><head>{head}</head><body>{_navigation()}{body}</body></html>"


@cache
def _navigation() -> str:
    links = "".join(f'<li><a href="/about/{word}" title="{word}">{word.title()}</a></li>' for word in _WORDS)
    return f"<header><nav><ul>{links}</ul></nav></header>"


def _padding(number: int) -> str:
    """Reviews, as long as the page's number says."""
    random = Random(-number)
    texts = (" ".join(random.choices(_WORDS, k=40)) for _ in range(35 + number * 7 % 60))
    reviews = (f'<article class="review"><h3>Review</h3><p>{text}</p></article>' for text in texts)
    return f'<section id="reviews">{"".join(reviews)}</section>'


def page(path: str, pages: int) -> bytes | None:
    """What the site answers to a path; None where there is nothing."""
    place, _, query = path.partition("?")
    if place == "/list":
        return listing(int(query.removeprefix("page=") or 0), pages).encode()
    if place.startswith("/items/"):
        return detail(int(place[7:])).encode()
    return None


def _paths(pages: int) -> Iterator[str]:
    yield "/list"
    yield from (f"/list?page={number}" for number in range(1, -(-pages // A_LIST)))
    yield from (f"/items/{number}" for number in range(pages))


class _Answers(asyncio.Protocol):
    """Answers each request with bytes that are ready, or made at once where there are too many to keep."""

    def __init__(self, pages: int, ready: dict[str, bytes]) -> None:
        self._pages, self._ready, self._buffer = pages, ready, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        self._transport: asyncio.WriteTransport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Answer whole requests."""
        self._buffer += data
        while b"\r\n\r\n" in self._buffer:
            head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
            path = head.split(b" ", 2)[1].decode()
            self._transport.write(self._ready.get(path) or answer(page(path, self._pages)))


def answer(body: bytes | None) -> bytes:
    """The bytes of an HTTP answer."""
    status, body = ("404 Not Found", b"") if body is None else ("200 OK", body)
    lines = f"HTTP/1.1 {status}", "Content-Type: text/html; charset=utf-8", f"Content-Length: {len(body)}"
    return "\r\n".join((*lines, "", "")).encode() + body


async def _serve(pages: int, port: int) -> None:
    ready = {path: answer(page(path, pages)) for path in _paths(pages)} if pages <= 5000 else {}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Answers(pages, ready), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2])))
