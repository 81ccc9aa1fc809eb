"""One page looked at: the records it yields and, field by field, which selector found what text and value."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from scrapers.browser import Browser
from scrapers.crawl import fetcher_of
from scrapers.errors import FieldError, ScrapeError
from scrapers.extract import Finder, Scope, engine, scopes_of, way_finder
from scrapers.fields import Value, fold, read_value
from scrapers.links import links
from scrapers.login import Login
from scrapers.page import Page
from scrapers.render import allowed_hosts
from scrapers.server import is_ready, running
from scrapers.spec import PageKind, Site
from scrapers.spec_fields import Field, Way
from scrapers.unread import unread
from scrapers.urls import same_host

_TEXT_WIDTH, _VALUE_WIDTH = 48, 32
_RECORDS_SHOWN = 3
_HEADS = ("field", "value", "text", "found by")


@dataclass(frozen=True)
class FieldProbe:
    """One field of one record: the selector that found its text, and what read it.

    `text` is None where nothing was found (the selector is then all that was tried), `problem` why a text has
    no value.
    """

    name: str
    selector: str
    engine: str
    text: str | None
    value: Value
    problem: str = ""


@dataclass(frozen=True)
class ProbeResult:
    """What a page yields: its records' fields, the links that its kind follows, texts that no field reads."""

    url: str
    kind: str
    records: list[list[FieldProbe]]
    links: list[str]
    unread: list[str]

    @property
    def unmatched(self) -> list[str]:
        """The fields whose selector matched nothing in any record of the page."""
        found = {field.name for record in self.records for field in record if field.text is not None}
        names = dict.fromkeys(field.name for record in self.records for field in record)
        return [name for name in names if name not in found]

    def format(self) -> str:
        """The result as a table for a terminal."""
        counts = f"{len(self.records)} record(s), {len(self.links)} link(s)"
        lines = [f"{self.url}: a page of kind {self.kind}, {counts}"]
        for record in self.records[:_RECORDS_SHOWN]:
            lines += ["", *_table(record)]
        more = len(self.records) - _RECORDS_SHOWN
        lines += ["", f"and {more} further record(s)"] if more > 0 else []
        if self.unread:
            lines += ["", "on the page, and read by no field:", *(f"  {text}" for text in self.unread)]
        selectors = {field.name: field.selector for record in self.records for field in record}
        if selectors:
            lines += ["", f"matched nothing: {len(self.unmatched)} of {len(selectors)} fields"]
        lines += [f"  {name}: {selectors[name]}" for name in self.unmatched]
        return "\n".join(lines)


def probe(url: str, site: Site) -> ProbeResult:
    """Fetch one page of the site (through a browser, if its kind needs one) and read it.

    The site's own local server is started if it does not run yet. Raises ScrapeError: a URL not of the site
    or of no kind, a page that cannot be had, BrowserError.
    """
    return read_probe(fetch_page(url, site), site)


def fetch_page(url: str, site: Site) -> Page:
    """One page of the site, as the crawl would have it. Raises as `probe` does."""
    kind = site.pages[_kind_of(url, site)]
    with _up(site):
        return _fetched(url, kind, site)


def read_probe(page: Page, site: Site) -> ProbeResult:
    """What a page yields. Raises ScrapeError: its URL is of no kind."""
    name = _kind_of(page.url, site)
    kind = site.pages[name]
    scopes = scopes_of(page, kind.rows) if kind.fields else []
    ways = {field_name: _finders(spec) for field_name, spec in kind.fields.items()}
    records = [[_field(each, kind.fields[each], ways[each], scope) for each in ways] for scope in scopes]
    found = links(page, kind, drop_query=site.crawl.drop_query)
    return ProbeResult(page.url, name, records, found, unread(page, kind) if kind.fields else [])


def _kind_of(url: str, site: Site) -> str:
    name = site.kind_of(url) if same_host(url, site.base_url) else None
    if name is None:
        raise ScrapeError(
            f"{url}: expected a URL of {site.base_url} and of a kind of page ({', '.join(site.pages)}): "
            "see base_url and the url patterns in the spec"
        )
    return name


@contextmanager
def _up(site: Site) -> Iterator[None]:
    if is_ready(site):
        yield
    else:
        with running(site):
            yield


def _fetched(url: str, kind: PageKind, site: Site) -> Page:
    with fetcher_of(site) as fetcher:
        if site.login is not None:
            Login(site, site.login, fetcher).enter()
        fetched = fetcher.follow(url)
    if fetched.error or fetched.location:
        raise ScrapeError(
            f"{url}: expected a page, got {fetched.error or f'a redirect to {fetched.location}'}"
        )
    if kind.browser is None:
        return Page(fetched.url, fetched.content, fetched.header("content-type"), site.html5)
    with Browser(user_agent=site.crawl.user_agent, hosts=allowed_hosts(site)) as browser:
        html = browser.render(
            url, wait_for=kind.browser.wait_for, scroll=kind.browser.scroll, timeout_s=kind.browser.timeout_s
        )
    return Page(fetched.url, html.encode("utf-8", "replace"), "text/html; charset=utf-8", site.html5)


def _finders(spec: Field) -> list[tuple[Way, Finder]]:
    return [(way, way_finder(way, spec)) for way in spec.each_way]


def _field(name: str, spec: Field, ways: list[tuple[Way, Finder]], scope: Scope) -> FieldProbe:
    """A field as the first of its ways gives it that finds a text."""
    texts = [(way, text) for way, find in ways if (text := find(scope)) is not None]
    if not texts:
        return FieldProbe(name, str(spec), "", None, None)
    way, text = next((each for each in texts if fold(each[1])), texts[0])
    found_by = str(way)
    try:
        value = read_value(text, spec, scope.page.url)
    except FieldError as error:
        return FieldProbe(name, found_by, engine(way), fold(text), None, str(error))
    return FieldProbe(name, found_by, engine(way), fold(text), value)


def _table(record: list[FieldProbe]) -> list[str]:
    """The fields of a record in columns; what is wrong with a text stands below it."""
    rows = [(each.name, _shown(each), _cut(each.text or "", _TEXT_WIDTH), _by(each)) for each in record]
    widths = [max(len(row[at]) for row in [_HEADS, *rows]) for at in range(3)]
    lines = [_line(_HEADS, widths)]
    for row, each in zip(rows, record, strict=True):
        lines.append(_line(row, widths))
        if each.problem:
            lines.append(f"{'':<{widths[0]}}  ^ {each.problem}")
    return lines


def _line(row: tuple[str, str, str, str], widths: list[int]) -> str:
    padded = [f"{part:<{width}}" for part, width in zip(row[:3], widths, strict=True)]
    return "  ".join([*padded, row[3]]).rstrip()


def _shown(field: FieldProbe) -> str:
    if field.problem:
        return "!"
    return "-" if field.value is None else _cut(repr(field.value), _VALUE_WIDTH)


def _by(field: FieldProbe) -> str:
    """What found a text; that it took BeautifulSoup is worth knowing, because that is slow."""
    if field.text is None:
        return f"nothing matches {field.selector}"
    return f"{field.selector} (by BeautifulSoup)" if field.engine == "BeautifulSoup" else field.selector


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."
