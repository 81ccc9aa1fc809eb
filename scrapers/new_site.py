"""A first spec of a site, guessed from one of its pages: record block, pagination, fields and their types."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import yaml

from scrapers.crawl import fetcher_of
from scrapers.errors import RobotsError, ScrapeError
from scrapers.extract import Scope
from scrapers.fetch import Fetcher
from scrapers.fields import fold
from scrapers.guess_blocks import Blocks, blocks, next_link
from scrapers.guess_fields import Guess, guessed_fields
from scrapers.page import Page
from scrapers.robots import Robots, read_robots
from scrapers.spec import ROBOTS_PATH, Site

_SAMPLES = 6  # detail pages looked at
_WIDTH = 60
_ID = "id"
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True)
class NewSite:
    """A spec as YAML, its name, and what to look at before it is used."""

    name: str
    text: str
    notes: list[str]


@dataclass(frozen=True)
class _Kind:
    name: str
    url: str
    rows: dict[str, str]
    follow: list[dict[str, str]]
    fields: list[Guess]


def new_site(url: str) -> NewSite:
    """Fetch a page, and a few that it leads to, and guess the spec of the site.

    Best is a page that lists records. Raises ScrapeError: no http(s) URL, a page that cannot be had or that
    holds nothing which looks like a record; RobotsError: robots.txt refuses the page.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ScrapeError(f"expected an http(s) URL, got {url!r}")
    name = re.sub(r"[^a-z0-9]+", "_", parts.hostname.removeprefix("www.").lower()).strip("_")
    name = f"site_{name}" if name[:1].isdigit() else name
    draft = _draft(name, f"{parts.scheme}://{parts.netloc}", parts.path or "/")
    with fetcher_of(draft) as fetcher:
        robots = _robots(draft, fetcher)
        page = _page(url, fetcher, robots)
        kinds, notes = _kinds(page, fetcher, robots)
    text = _written(draft, f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}", kinds, robots)
    Site.model_validate(yaml.safe_load(text))
    return NewSite(name, text, notes)


def _draft(name: str, base_url: str, start: str) -> Site:
    fields = {_ID: {"in_url": ".*", "type": "text"}}
    pages = {"page": {"url": "", "fields": fields}}
    return Site.model_validate(
        {"name": name, "base_url": base_url, "start": [start], "key": _ID, "pages": pages}
    )


def _robots(site: Site, fetcher: Fetcher) -> Robots:
    fetched = fetcher.follow(urljoin(site.base_url, ROBOTS_PATH))
    robots = read_robots(fetched.status, fetched.content, site.crawl.user_agent)
    fetcher.delay_s = max(fetcher.delay_s, robots.delay_s)
    return robots


def _page(url: str, fetcher: Fetcher, robots: Robots) -> Page:
    if not robots.allows(url):
        raise RobotsError(f"{url}: robots.txt refuses it")
    fetched = fetcher.follow(url)
    if fetched.location:
        raise ScrapeError(
            f"{url}: expected a page, got a redirect to {fetched.location}: begin with that URL"
        )
    if fetched.error or not 200 <= fetched.status < 300:
        raise ScrapeError(
            f"{url}: expected a page, got {fetched.error or f'{fetched.status} {fetched.reason}'}"
        )
    return Page(fetched.url, fetched.content, fetched.header("content-type"))


def _kinds(page: Page, fetcher: Fetcher, robots: Robots) -> tuple[list[_Kind], list[str]]:
    """The kinds of pages, those with records first, and what is to be looked at."""
    block, onward = blocks(page), next_link(page)
    follow = [{"css": onward[0]}] if onward else []
    listed = _paths_pattern([page.url, *([onward[1]] if onward else [])], listing=True)
    details = _details(block, fetcher, robots)
    detailed = guessed_fields([Scope(each) for each in details], in_rows=False) if len(details) > 1 else []
    own = guessed_fields([Scope(page)], in_rows=False)
    linked = [guess for guess in own if "jsonld" in guess.spec or "label" in guess.spec]
    if block is not None and detailed and len(linked) < len(detailed):
        pattern = _paths_pattern([each.url for each in details])
        follow.append(_links_of(block))
        key = Guess(_ID, {"in_url": _captured(pattern), "type": "text", "required": True}, [None])
        notes = [f"looked at {len(details)} of {len(set(block.links))} pages that {page.url} leads to"]
        return [
            _Kind("detail", pattern, {}, [], [key, *_renamed(detailed)]),
            _Kind("list", listed, {}, follow, []),
        ], notes + ([] if onward else ["found no link to a next page"])
    if len(linked) > 2 or block is None:
        if not own:
            raise ScrapeError(
                f"{page.url}: expected a page that lists records or shows one, found none that repeats, no "
                "JSON-LD and no table of labels: does it need a browser? write the spec by hand then"
            )
        pattern = _paths_pattern([page.url])
        key = Guess(_ID, {"in_url": _captured(pattern), "type": "text", "required": True}, [None])
        return [_Kind("detail", pattern, {}, follow, [key, *_renamed(own)])], [
            "the page is one record: add a kind of page that lists such, and start there"
        ]
    scopes = [Scope(page, row=each) for each in block.elements]
    fields = _with_key(guessed_fields(scopes, in_rows=True), len(scopes))
    return [_Kind("list", listed, block.selector, follow, fields)], [
        *([] if onward else ["found no link to a next page"]),
        f"{fields[0].name} is the key, because it differs in all {len(scopes)} rows: see that it always does",
    ]


def _links_of(block: Blocks) -> dict[str, str]:
    """What finds the links in the blocks."""
    if block.elements[0].tag == "a":
        return block.selector
    return {way: f"{text}//a" if way == "xpath" else f"{text} a" for way, text in block.selector.items()}


def _details(block: Blocks | None, fetcher: Fetcher, robots: Robots) -> list[Page]:
    """Some of the pages that the blocks lead to, each under the most common form of their URLs."""
    if block is None:
        return []
    urls = [url for url in dict.fromkeys(block.links) if url and robots.allows(url)]
    depths = [len(urlsplit(url).path.split("/")) for url in urls]
    urls = [
        url for url, depth in zip(urls, depths, strict=True) if depth == max(set(depths), key=depths.count)
    ]
    if len(urls) < len(block.elements) / 2:
        return []
    spread = urls[:: max(1, len(urls) // _SAMPLES)][:_SAMPLES]
    found = []
    for url in spread:
        fetched = fetcher.follow(url)
        if 200 <= fetched.status < 300 and not fetched.error:
            found.append(Page(url, fetched.content, fetched.header("content-type")))
    return found


def _paths_pattern(urls: Sequence[str], *, listing: bool = False) -> str:
    """A regular expression of the path?query of these URLs, and of others like them."""
    paths = [urlsplit(url).path or "/" for url in urls]
    if listing:
        forms = dict.fromkeys(_DIGITS.sub(r"\\d+", re.escape(path).replace(r"\-", "-")) for path in paths)
        return f"^({'|'.join(forms)})(\\?|$)" if len(forms) > 1 else f"^{next(iter(forms))}(\\?|$)"
    columns = list(zip(*(path.split("/") for path in paths), strict=False))
    if len(set(paths)) == 1:
        columns = [(part, part) for part in paths[0].split("/")]
        columns[-1 if columns[-1][0] else -2] = ("a", "b")
    return f"^{'/'.join(_segment(set(column)) for column in columns)}(\\?|$)"


def _segment(parts: set[str]) -> str:
    if len(parts) == 1:
        return re.escape(next(iter(parts))).replace(r"\-", "-")
    return r"\d+" if all(part.isdecimal() for part in parts) else r"[^/?]+"


def _captured(pattern: str) -> str:
    """The pattern with its last part that varies in a group."""
    place = max((pattern.rfind(part), part) for part in (r"\d+", r"[^/?]+"))
    if place[0] < 0:
        return pattern
    start, part = place
    return f"{pattern[:start]}({part}){pattern[start + len(part) :]}"


def _renamed(fields: list[Guess]) -> list[Guess]:
    """The fields, none of which is called as the key."""
    return [
        Guess(f"{each.name}_" if each.name == _ID else each.name, each.spec, each.texts) for each in fields
    ]


def _with_key(fields: list[Guess], rows: int) -> list[Guess]:
    """The fields of rows with the one that tells them apart first: a text, else a link, read as a text."""
    apart = [each for each in fields if len({fold(text or "") for text in each.texts}) == rows]
    if not apart:
        raise ScrapeError("expected a field that differs in all rows, found none: write the spec by hand")
    ranks = {"url": 0, "text": 1}
    key = min(apart, key=lambda each: ranks.get(each.spec["type"], 2))
    way = {name: value for name, value in key.spec.items() if name in {"css", "attr", "jsonld"}}
    return [
        Guess(key.name, way | {"type": "text", "required": True}, key.texts),
        *(f for f in fields if f is not key),
    ]


def _written(site: Site, start: str, kinds: list[_Kind], robots: Robots) -> str:
    key = next(kind for kind in kinds if kind.fields).fields[0].name
    lines = [
        f"# A first spec of {site.base_url}: names, types and selectors are guesses from a few pages.",
        "# See what it reads with `millrace probe URL --site FILE --watch`, and edit it meanwhile.",
        f"name: {_flow(site.name)}",
        f"base_url: {site.base_url}",
        f"start: [{_flow(start)}]",
        f"key: {key}",
        "",
        "crawl:",
        '  user_agent: "millrace/0.1 (+mailto:you@example.org)" # say who you are',
        f"  delay_s: {max(robots.delay_s, 0.0) or 0.5:g}",
        "",
        "pages:",
    ]
    for kind in kinds:
        lines += _kind_lines(kind)
    return "\n".join(lines) + "\n"


def _kind_lines(kind: _Kind) -> list[str]:
    lines = [f"  {kind.name}:", f"    url: {_flow(kind.url)}"]
    if kind.rows:
        lines.append(f"    rows: {_flow(kind.rows)}")
    if kind.follow:
        lines += ["    follow:", *(f"      - {_flow(each)}" for each in kind.follow)]
    if kind.fields:
        lines += ["    fields:", *(_field_line(each) for each in kind.fields)]
    return lines


def _field_line(guess: Guess) -> str:
    text = next((fold(text) for text in guess.texts if text and fold(text)), "")
    shown = text if len(text) <= _WIDTH else text[: _WIDTH - 3] + "..."
    return f"      {guess.name}: {_flow(guess.spec)}{f' # {shown}' if shown else ''}"


def _flow(value: Any) -> str:
    """A value as YAML on one line."""
    written = yaml.safe_dump(value, default_flow_style=True, width=2**20, sort_keys=False, allow_unicode=True)
    return written.removesuffix("\n").removesuffix("\n...")
