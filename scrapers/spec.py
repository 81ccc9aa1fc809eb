"""The site spec: what to crawl, which pages hold records, where each field stands; YAML, checked."""

import re
import sys
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)

from scrapers.errors import SpecError
from scrapers.spec_fields import Field, Follow, Rows, Strict, key_name
from scrapers.spec_texts import BaseUrl, Css, Regex
from scrapers.urls import TRACKING, absolute, same_host

ROBOTS_PATH = "/robots.txt"
URL_FIELD = "url"  # every record carries its page's canonical URL under this name


class Rendering(Strict):
    """A kind of page that only a browser sees: wait (scrolling down, if asked) until `wait_for` matches.

    An element that `click` matches ("load more") is clicked again and again until it is gone, hidden or
    disabled; then `wait_for` counts.
    The browser reaches the site's own host and `allow_hosts` (scripts on another host), nothing else.
    """

    wait_for: Css
    scroll: bool = False
    click: Css | None = None
    timeout_s: PositiveFloat = 30.0
    allow_hosts: tuple[str, ...] = ()


class Expect(Strict):
    """How many records a kind of page must yield: exactly `records`, or `min` to `max`, both included."""

    records: NonNegativeInt | None = None
    min: NonNegativeInt | None = None
    max: NonNegativeInt | None = None

    @model_validator(mode="after")
    def _exact_or_range(self) -> Self:
        ranged = self.min is not None or self.max is not None
        if (self.records is not None) == ranged:
            raise ValueError("expected records, or min and/or max")
        return self

    def allows(self, count: int) -> bool:
        """Whether `count` records are as expected."""
        if self.records is not None:
            return count == self.records
        return (self.min or 0) <= count and (self.max is None or count <= self.max)

    def __str__(self) -> str:
        if self.records is not None:
            return f"{self.records:,}"
        if self.max is None:
            return f"at least {self.min or 0:,}"
        return f"{self.min or 0:,} to {self.max:,}"


class PageKind(Strict):
    """A kind of page: told by its URL, followed from, read for one record or for one record a row."""

    url: Regex
    follow: tuple[Follow, ...] = ()
    browser: Rendering | None = None
    rows: Rows | None = None
    joins: str | None = None
    expect: Expect | None = None
    fields: dict[str, Field] = {}

    @model_validator(mode="after")
    def _fields_where_needed(self) -> Self:
        if not self.fields and (self.rows or self.joins or self.expect):
            raise ValueError("rows, joins and expect need fields")
        for name in self.fields:
            if not re.fullmatch("[a-z][a-z0-9_]*", name) or name == URL_FIELD:
                raise ValueError(
                    f"field name {name!r}: expected snake_case, and not {URL_FIELD!r}, which is ours"
                )
        return self

    @model_validator(mode="after")
    def _ways_suit_rows(self) -> Self:
        if self.rows is None or not self.rows.are_data:
            return self
        way = "json_path" if self.rows.json_path is not None else "jsonld"
        for name, field in self.fields.items():
            for each in field.each_way:
                if (getattr(each, way) is None and each.in_url is None) or each.script is not None:
                    raise ValueError(
                        f"fields.{name}: expected {key_name(way)} without script "
                        f"(the rows are objects of JSON), got {each}"
                    )
        return self


class Server(Strict):
    """A local server that the crawl starts and stops; `{python}` and `{port}` are filled into the command."""

    command: tuple[str, ...]
    ready: str = "/"
    start_timeout_s: PositiveFloat = 20.0

    def filled(self, port: int) -> list[str]:
        """The command with this interpreter and the port filled in."""
        return [
            part.replace("{python}", sys.executable).replace("{port}", str(port)) for part in self.command
        ]


class Politeness(Strict):
    """How the crawl behaves: who it says it is, how fast it asks, when it gives up, how much it takes.

    `concurrency` is the most requests at once: how many are made follows from how the site answers.
    `browsers` are started side by side.
    `timeout_s` is how long the site may be silent, `total_timeout_s` how long a whole answer may take,
    `patience_s` how long the whole site may be down before the crawl stops (to go on when run again).
    `max_depth` counts links from the start; after `max_barren` pages of one kind in a row that led to nothing
    new but their own kind (an endless calendar) that way is left. `blocked` are regular expressions of texts
    by which the site turns a crawler away. `headers` and `cookies` go with every request.
    """

    user_agent: str = "millrace/0.1"
    delay_s: NonNegativeFloat = 0.0
    timeout_s: PositiveFloat = 10.0
    total_timeout_s: PositiveFloat = 60.0
    retries: NonNegativeInt = 4
    backoff_s: NonNegativeFloat = 0.2
    patience_s: NonNegativeFloat = 120.0
    concurrency: PositiveInt = 8
    browsers: PositiveInt = 2
    max_pages: PositiveInt = 5000
    max_bytes: PositiveInt = 16 * 2**20
    max_total_bytes: PositiveInt = 16 * 2**30
    max_depth: PositiveInt = 10_000
    max_barren: PositiveInt = 20
    drop_query: tuple[str, ...] = TRACKING
    exclude: tuple[Regex, ...] = ()
    blocked: tuple[Regex, ...] = ()
    headers: dict[str, str] = {}
    cookies: dict[str, str] = {}


class LoginForm(Strict):
    """How to log in: the page with the form, its fields by the environment variables that hold their values.

    `form` finds the form. After the login `logged_in` must match (if it is not given: `logged_out` must not).
    A page on which `logged_out` matches, or a redirect to the login page, means that the session has ended.
    """

    page: str
    form: Css = "form:has(input[type=password])"
    fields: dict[str, str]
    logged_in: Css | None = None
    logged_out: Css = "input[type=password]"

    @model_validator(mode="after")
    def _fields_by_variables(self) -> Self:
        wrong = [name for name in self.fields.values() if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name)]
        if wrong or not self.fields:
            raise ValueError(
                "login.fields: expected form field: ENVIRONMENT_VARIABLE, "
                f"got {wrong[0] if wrong else 'none'!r} (a password is never written into a spec)"
            )
        return self


class Site(Strict):
    """One site, as its YAML spec says.

    `html: html5` reads broken pages as a browser does (see Page); the default differs from it where tags are
    missing or stray.
    """

    name: Annotated[str, AfterValidator(lambda name: name.strip())]
    base_url: BaseUrl
    start: tuple[str, ...]
    key: str
    server: Server | None = None
    login: LoginForm | None = None
    crawl: Politeness = Politeness()
    html: Literal["lxml", "html5"] = "lxml"
    pages: dict[str, PageKind]

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        records = {name: page for name, page in self.pages.items() if page.fields}
        if not self.start or not records:
            raise ValueError("expected at least one start URL and one kind of page with fields")
        for name, page in records.items():
            if self.key not in page.fields:
                raise ValueError(f"pages.{name}.fields: expected the key field {self.key!r}")
            if page.fields[self.key].type != "text":
                raise ValueError(
                    f"pages.{name}.fields.{self.key}: key must be of type text (leading zeros count), "
                    f"got {page.fields[self.key].type}"
                )
            if page.joins and (page.joins not in records or records[page.joins].joins or page.joins == name):
                raise ValueError(
                    f"pages.{name}.joins: expected a kind with fields of its own, got {page.joins!r}"
                )
            clash = (set(page.fields) & set(records[page.joins].fields)) - {self.key} if page.joins else set()
            if clash:
                raise ValueError(f"pages.{name}.fields: {min(clash)!r} is a field of {page.joins} too")
        for url in self.start_urls:
            if not same_host(url, self.base_url) or self.kind_of(url) is None:
                raise ValueError(f"start: {url} is not of {self.base_url}, or of no kind in pages")
        return self

    @property
    def html5(self) -> bool:
        """Whether pages are read as a browser reads them."""
        return self.html == "html5"

    @property
    def port(self) -> int:
        """The port of base_url."""
        parts = urlsplit(self.base_url)
        return parts.port or (443 if parts.scheme == "https" else 80)

    @property
    def start_urls(self) -> list[str]:
        """The start pages as absolute URLs."""
        dropped = self.crawl.drop_query
        return [absolute(url, self.base_url + "/", drop_query=dropped) or url for url in self.start]

    def kind_of(self, url: str) -> str | None:
        """The first kind of page whose `url` is found in this URL's path?query, or None."""
        parts = urlsplit(url)
        if parts.path == ROBOTS_PATH:
            return None
        place = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        return next((name for name, page in self.pages.items() if re.search(page.url, place)), None)


def load_site(path: Path | str) -> Site:
    """Read and check a site spec.

    Raises SpecError: no such file, not YAML, or a key that is missing, unknown or of the wrong kind.
    """
    # Here, since a process that is handed a spec reads no YAML.
    from scrapers.spec_yaml import read_yaml

    try:
        return Site.model_validate(read_yaml(path))
    except ValidationError as error:
        raise SpecError(f"{path}: {_first_line(error)}") from error


def _first_line(error: ValidationError) -> str:
    """The first finding as `key.path: what was expected`, with the number of further ones."""
    first, others = error.errors()[0], error.error_count() - 1
    place = ".".join(str(part) for part in first["loc"])
    said = first["msg"].removeprefix("Value error, ").replace("Input should be", "expected")
    came = f", got {first['input']!r:.80}" if first["type"] not in {"value_error", "missing"} else ""
    more = f" (and {others} more)" if others else ""
    return f"{place + ': ' if place else ''}{said}{came}{more}"
