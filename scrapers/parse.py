"""A crawl's WARC into records: every page read, kinds joined by the key, counts and selectors checked."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scrapers.checks import check_count, check_fields
from scrapers.health import Health, Hint, check_health, measured
from scrapers.nearest import nearest
from scrapers.page import Page
from scrapers.records import PageRecords, Record, Rejected
from scrapers.spec import URL_FIELD, Site
from scrapers.warc import read_pages
from scrapers.workers import read_all


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
    """A site's records, sorted by key, with what was left out on the way.

    A record has the site's fields in the spec's order (None where there is none) and the canonical `url` of
    its page. `fill` is the share of records, 0 to 1, that have a value, by field; `pages` the pages read, by
    kind; `unjoined` counts the records of joined kinds whose key no record has. `health` is that of every
    field, by kind; `unread` what one page of a kind says that no field reads.
    """

    records: list[Record]
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
    workers: int = 2,
    progress: bool = True,
) -> Parsed:
    """Read every page of a crawl.

    `last` is the health of the last good run, by kind and field, which this one is compared with.
    `workers` processes share a large crawl (so a script that calls this needs a main guard).

    Raises WarcError; CountError: a kind without pages, or not with the expected number of records;
    SelectorError: a selector that matches on no page, or on too few (see health.check_health), a required
    field missing on one; FieldError: a field
    none of whose texts is of its type, or a required one with a text that is not.
    """
    found: dict[str, list[PageRecords]] = {name: [] for name, kind in site.pages.items() if kind.fields}
    for read in read_all(site, warc, workers=workers, progress=progress):
        found[read.kind].append(read)
    tables: dict[str, dict[str, Record]] = {}
    duplicates: list[Duplicate] = []
    health = {kind: measured(site, kind, pages) for kind, pages in found.items()}
    hint = _hint(site, warc)
    for kind, pages in found.items():
        check_health(site, kind, pages, health[kind], (last or {}).get(kind, {}), hint)
        pages.sort(key=lambda page: (page.url, page.fetched_url))
        check_fields(site, kind, pages, hint)
        tables[kind], repeated = _by_key(site, kind, pages)
        check_count(site, kind, len(tables[kind]), len(pages), warc)
        duplicates += repeated
    records, unjoined = _joined(site, tables)
    return Parsed(
        records=records,
        fill=_fill(records),
        duplicates=duplicates,
        rejected=[rejected for pages in found.values() for page in pages for rejected in page.rejected],
        pages={kind: len(pages) for kind, pages in found.items()},
        unjoined=unjoined,
        health=health,
        unread={kind: left for kind, pages in found.items() if (left := _unread(pages)) is not None},
    )


def _unread(pages: list[PageRecords]) -> Unread | None:
    """What the sample page of a kind says that no field reads; None where there is nothing."""
    return next((Unread(page.url, page.unread) for page in pages if page.unread), None)


def _hint(site: Site, warc: Path) -> Hint:
    """What tells, of a field and the URL of a page without it, which selector would match there."""

    def hint(kind: str, name: str, url: str) -> str:
        drawn = site.pages[kind].browser is not None
        stored = next((each for each in read_pages(warc) if each.url == url and each.rendered == drawn), None)
        if stored is None or site.pages[kind].rows is not None:
            return ""
        page = Page(stored.url, stored.content, stored.header("content-type"), site.html5)
        found = nearest(page, site.pages[kind].fields[name], name)
        return f" (there {found})" if found else ""

    return hint


def _by_key(site: Site, kind: str, pages: list[PageRecords]) -> tuple[dict[str, Record], list[Duplicate]]:
    """One record a key: of several the first, and so the one with the smallest URL."""
    table: dict[str, Record] = {}
    duplicates = []
    for record in (record for page in pages for record in page.records):
        key = str(record[site.key])
        kept = table.setdefault(key, record)
        if kept is not record:
            differs = tuple(name for name in record if name != URL_FIELD and record[name] != kept[name])
            duplicates.append(Duplicate(key, kind, str(record[URL_FIELD]), str(kept[URL_FIELD]), differs))
    return table, duplicates


def _joined(site: Site, tables: dict[str, dict[str, Record]]) -> tuple[list[Record], int]:
    """All kinds' records under one set of fields, sorted by key, and the number that found no partner."""
    names = list(dict.fromkeys(name for kind in tables for name in site.pages[kind].fields))
    joins = [(kind, site.pages[kind].joins) for kind in tables if site.pages[kind].joins]
    records, used = [], Counter[str]()
    for kind, table in tables.items():
        if site.pages[kind].joins:
            continue
        partners = [name for name, target in joins if target == kind]
        for key, record in table.items():
            whole = dict.fromkeys(names, None) | record
            for name in partners:
                if key in tables[name]:
                    used[name] += 1
                    whole |= {k: v for k, v in tables[name][key].items() if k not in {site.key, URL_FIELD}}
            records.append({**{name: whole[name] for name in names}, URL_FIELD: record[URL_FIELD]})
    records.sort(key=lambda record: str(record[site.key]))
    return records, sum(len(tables[name]) - used[name] for name, _ in joins)


def _fill(records: list[Record]) -> dict[str, float]:
    if not records:
        return {}
    return {
        name: sum(record[name] is not None for record in records) / len(records)
        for name in records[0]
        if name != URL_FIELD
    }
