"""One page to typed records, with what its selectors missed and what could not be read."""

from collections import Counter
from dataclasses import dataclass, field

from scrapers.errors import FieldError
from scrapers.extract import KindReader, RawRecord
from scrapers.fields import Value, fold, read_value
from scrapers.links import identity
from scrapers.page import Page
from scrapers.spec import URL_FIELD, Site
from scrapers.unread import unread

Record = dict[str, Value]


@dataclass(frozen=True)
class Rejected:
    """A text that is not of its field's type; the record holds None there."""

    url: str
    kind: str
    field: str
    text: str
    why: str


@dataclass(frozen=True)
class PageRecords:
    """The records of one page, each with its canonical URL under `url`; how often each field matched.

    `unread` are texts of its first record that no field reads, where they were asked for.
    """

    url: str
    fetched_url: str
    kind: str
    records: list[Record]
    matched: Counter[str] = field(default_factory=Counter)
    rejected: list[Rejected] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


def read_page(
    page: Page, kind: str, reader: KindReader, site: Site, *, look_for_unread: bool = False
) -> PageRecords:
    """The records of a page of that kind."""
    left = unread(page, site.pages[kind]) if look_for_unread else []
    found = PageRecords(identity(page, site), page.url, kind, [], unread=left)
    for raw in reader.read(page):
        found.matched.update(name for name, text in raw.items() if text is not None)
        found.records.append(_typed(raw, page, found, site))
    return found


def _typed(raw: RawRecord, page: Page, found: PageRecords, site: Site) -> Record:
    record: Record = {}
    for name, spec in site.pages[found.kind].fields.items():
        text = raw[name]
        try:
            record[name] = None if text is None else read_value(text, spec, page.url)
        except FieldError as error:
            record[name] = None
            found.rejected.append(Rejected(found.url, found.kind, name, fold(text or ""), str(error)))
    record[URL_FIELD] = found.url
    return record
