"""One page looked at: the records it yields and, field by field, which selector found what text and value."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from scrapers.browser import Browser
from scrapers.crawl import fetcher_of
from scrapers.errors import FieldError, ScrapeError
from scrapers.extract import KindReader
from scrapers.fields import Value, fold, read_value
from scrapers.links import links
from scrapers.login import Login
from scrapers.page import Page
from scrapers.render import allowed_hosts
from scrapers.server import is_ready, running
from scrapers.spec import PageKind, Site
from scrapers.urls import same_host

_TEXT_WIDTH = 60


@dataclass(frozen=True)
class FieldProbe:
    """One field of one record: its selector, the text found (None: nothing), its value or why it has none."""

    name: str
    selector: str
    text: str | None
    value: Value
    problem: str = ""


@dataclass(frozen=True)
class ProbeResult:
    """What a page yields: its records' fields, and the links that its kind follows from it."""

    url: str
    kind: str
    records: list[list[FieldProbe]]
    links: list[str]

    @property
    def unmatched(self) -> list[str]:
        """The fields whose selector matched nothing in any record of the page."""
        found = {field.name for record in self.records for field in record if field.text is not None}
        names = dict.fromkeys(field.name for record in self.records for field in record)
        return [name for name in names if name not in found]

    def format(self) -> str:
        """The result as lines for a terminal."""
        counts = f"{len(self.records)} record(s), {len(self.links)} link(s)"
        lines = [f"{self.url}: a page of kind {self.kind}, {counts}"]
        for record in self.records:
            width = max(len(field.name) for field in record)
            lines += ["", *(f"{field.name:<{width}}  {_described(field)}" for field in record)]
        selectors = {field.name: field.selector for record in self.records for field in record}
        lines += (
            ["", f"matched nothing: {len(self.unmatched)} of {len(selectors)} fields"] if selectors else []
        )
        lines += [f"  {name}: {selectors[name]}" for name in self.unmatched]
        return "\n".join(lines)


def probe(url: str, site: Site) -> ProbeResult:
    """Fetch one page of the site (through a browser, if its kind needs one) and read it.

    The site's own local server is started if it does not run yet. Raises ScrapeError: a URL not of the site
    or of no kind, a page that cannot be had, BrowserError.
    """
    name = site.kind_of(url) if same_host(url, site.base_url) else None
    if name is None:
        raise ScrapeError(
            f"{url}: expected a URL of {site.base_url} and of a kind of page ({', '.join(site.pages)}): "
            "see base_url and the url patterns in the spec"
        )
    kind = site.pages[name]
    with _up(site):
        page = _fetched(url, kind, site)
    rows = [
        [_field(field_name, text, kind, page) for field_name, text in raw.items()]
        for raw in KindReader(kind).read(page)
    ]
    return ProbeResult(
        page.url, name, rows if kind.fields else [], links(page, kind, drop_query=site.crawl.drop_query)
    )


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


def _field(name: str, text: str | None, kind: PageKind, page: Page) -> FieldProbe:
    spec = kind.fields[name]
    try:
        value = None if text is None else read_value(text, spec, page.url)
    except FieldError as error:
        return FieldProbe(name, str(spec), fold(text or ""), None, str(error))
    return FieldProbe(name, str(spec), None if text is None else fold(text), value)


def _described(field: FieldProbe) -> str:
    if field.text is None:
        return f"-  (nothing matches {field.selector})"
    text = field.text if len(field.text) <= _TEXT_WIDTH else field.text[: _TEXT_WIDTH - 3] + "..."
    shown = f"! {field.problem}" if field.problem else repr(field.value)
    return f"{shown}  ({field.selector}: {text!r})"
