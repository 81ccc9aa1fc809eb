"""A crawl's WARC into records: every page read, kinds joined by the key, counts and selectors checked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

from scrapers.checks import ROWS, check_count, check_fields
from scrapers.extract import scopes_of
from scrapers.guess_blocks import blocks
from scrapers.health import Health, Hint, check_health, measured
from scrapers.nearest import nearest
from scrapers.page import Page
from scrapers.records import PageRecords, Record, Rejected
from scrapers.shelf import Records, Shelf
from scrapers.spec import URL_FIELD, Site
from scrapers.spec_fields import Rows
from scrapers.tally import KindTally
from scrapers.warc import read_pages
from scrapers.workers import read_all

LARGE_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Duplicate:
    """A record left out because its key came before; `differs` names the fields in which it is another."""

    key: str
    kind: str
    url: str
    kept_url: str
    differs: tuple[str, ...]


@dataclass(frozen=True)
class Unread:
    """Texts of one record of a kind, on the page `url`, that no field reads."""

    url: str
    texts: list[str]


@dataclass(frozen=True)
class Parsed:
    """A site's records, sorted by key and read from disk one by one, with what was left out on the way.

    A record has the site's fields in the spec's order (None where there is none) and the canonical `url` of
    its page. `fill` is the share of records, 0 to 1, that have a value, by field; `pages` the pages read, by
    kind; `unjoined` counts the records of joined kinds whose key no record has. `health` is that of every
    field, by kind; `unread` what one page of a kind says that no field reads.
    """

    records: Sequence[Record]
    fill: dict[str, float]
    duplicates: list[Duplicate]
    rejected: list[Rejected]
    pages: dict[str, int]
    unjoined: int
    health: dict[str, dict[str, Health]]
    unread: dict[str, Unread]


def parse(
    site: Site,
    warc: Path,
    *,
    last: Mapping[str, Mapping[str, Health]] | None = None,
    workers: int | None = None,
    progress: bool = True,
) -> Parsed:
    """Read every page of a crawl.

    `last` is the health of the last good run, by kind and field, which this one is compared with.
    `workers` processes share the crawl (so a script that calls this needs a main guard); by default one, or
    two for a WARC over LARGE_BYTES: to start them and to hand the records over takes time too.

    Raises WarcError; CountError: a kind without pages, or not with the expected number of records;
    SelectorError: a selector that matches on no page, or on too few (see health.check_health), a required
    field missing on one; FieldError: a field none of whose texts is of its type, or a
    required one with a text that is not.
    """
    if workers is None:
        workers = 2 if warc.exists() and warc.stat().st_size > LARGE_BYTES else 1
    return collect(site, read_all(site, warc, workers=workers, progress=progress), warc, last=last)


def collect(
    site: Site,
    read: Iterable[PageRecords],
    warc: Path,
    *,
    last: Mapping[str, Mapping[str, Health]] | None = None,
    shelf_path: Path | None = None,
) -> Parsed:
    """What `parse` gives and raises, from the records of every page; `warc` is asked for hints only.

    With `shelf_path` the records are in that file, and the whole can be sent to another process as a pickle.
    """
    fields = {name: [*kind.fields] for name, kind in site.pages.items() if kind.fields}
    shelf = Shelf([[*names, URL_FIELD] for names in fields.values()], shelf_path)
    found = {kind: KindTally(names, number) for number, (kind, names) in enumerate(fields.items())}
    for page in read:
        found[page.kind].add(page, shelf)
    tables: dict[str, dict[str, int]] = {}
    duplicates: list[Duplicate] = []
    health = {kind: measured(pages) for kind, pages in found.items()}
    hint = _hint(site, warc)
    for kind, pages in found.items():
        check_health(site, kind, pages, health[kind], (last or {}).get(kind, {}), hint)
        check_fields(site, kind, pages, hint)
        tables[kind], repeated = _by_key(site, kind, pages, shelf)
        check_count(site, kind, len(tables[kind]), len(pages.places), warc)
        duplicates += repeated
    records, unjoined = _joined(site, tables, shelf)
    return Parsed(
        records=records,
        fill=_fill(records),
        duplicates=duplicates,
        rejected=[each for pages in found.values() for _, each in sorted(pages.rejected, key=itemgetter(0))],
        pages={kind: len(pages.places) for kind, pages in found.items()},
        unjoined=unjoined,
        health=health,
        unread={
            kind: Unread(pages.unread[0].url, texts)
            for kind, pages in found.items()
            if pages.unread is not None and (texts := pages.unread_of_record())
        },
    )


def _hint(site: Site, warc: Path) -> Hint:
    """What tells, of a field and the URL of a page without it, which selector would match there."""

    def hint(kind: str, name: str, url: str) -> str:
        drawn = site.pages[kind].browser is not None
        stored = next((each for each in read_pages(warc) if each.url == url and each.rendered == drawn), None)
        if stored is None:
            return ""
        page = Page(stored.url, stored.content, stored.header("content-type"), site.html5)
        if name == ROWS:
            found = _nearest_rows(page)
        else:
            scope = next(iter(scopes_of(page, site.pages[kind].rows)), None)
            found = "" if scope is None else nearest(scope, site.pages[kind].fields[name], name)
        return f" (there {found})" if found else ""

    return hint


def _nearest_rows(page: Page) -> str:
    repeated = blocks(page)
    return f"{Rows(**repeated.selector)} matches {len(repeated.elements)} times" if repeated else ""


def _by_key(site: Site, kind: str, pages: KindTally, shelf: Shelf) -> tuple[dict[str, int], list[Duplicate]]:
    """The place of one record a key: of several the first, and so the one with the smallest URL."""
    table: dict[str, int] = {}
    duplicates = []
    for place in pages.in_order():
        record = shelf[place]
        key = str(record[site.key])
        first = table.setdefault(key, place)
        if first != place:
            kept = shelf[first]
            differs = tuple(name for name in record if name != URL_FIELD and record[name] != kept[name])
            duplicates.append(Duplicate(key, kind, str(record[URL_FIELD]), str(kept[URL_FIELD]), differs))
    return table, duplicates


def _joined(site: Site, tables: dict[str, dict[str, int]], shelf: Shelf) -> tuple[Records, int]:
    """All kinds' records under one set of fields, sorted by key, and the number that found no partner."""
    names = list(dict.fromkeys(name for kind in tables for name in site.pages[kind].fields))
    joins = [(kind, site.pages[kind].joins) for kind in tables if site.pages[kind].joins]
    rows: list[tuple[str, tuple[int, ...]]] = []
    used = 0
    for kind, table in tables.items():
        if site.pages[kind].joins:
            continue
        partners = [tables[name] for name, target in joins if target == kind]
        for key, place in table.items():
            joined = [partner[key] for partner in partners if key in partner]
            used += len(joined)
            rows.append((key, (place, *joined)))
    rows.sort(key=itemgetter(0))
    own = frozenset({site.key, URL_FIELD})
    found = Records(shelf, [*names, URL_FIELD], own, [row for _, row in rows])
    return found, sum(len(tables[name]) for name, _ in joins) - used


def _fill(records: Records) -> dict[str, float]:
    filled = dict.fromkeys(records[0] if records else (), 0)
    for record in records:
        for name, value in record.items():
            filled[name] += value is not None
    return {name: number / len(records) for name, number in filled.items() if name != URL_FIELD}
