"""What the checks ask of the pages of a kind, counted as they are read: the pages themselves are not kept."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple
from zlib import crc32

from scrapers.records import PageRecords, Rejected
from scrapers.shelf import Shelf


class Place(NamedTuple):
    """The page of a record: its canonical URL and the one that it was fetched by."""

    url: str
    fetched_url: str


@dataclass
class FieldTally:
    """How a field came out: matches, values and texts of another type, with an example of what went wrong.

    Examples are those of the smallest URL, as pages come in the order of their arrival; `last_without` is
    the last page with a record that lacks a value. `there` has a byte, 0 or 1, for each page with records.
    """

    matched: int = 0
    filled: int = 0
    rejected: int = 0
    refused: tuple[Place, Rejected] | None = None
    without: Place | None = None
    last_without: Place | None = None
    there: bytearray = field(default_factory=bytearray)
    _sums: "array[int]" = field(default_factory=lambda: array("I"))

    def add(self, value: object, place: Place) -> None:
        """Count the value of one record."""
        if value is not None:
            self.filled += 1
            self._sums.append(crc32(repr(value).encode()))
            return
        self.last_without = place
        self.without = place if self.without is None else min(self.without, place)

    def reject(self, rejected: Rejected, place: Place) -> None:
        """Count a text that is not of the field's type."""
        self.rejected += 1
        if self.refused is None or place < self.refused[0]:
            self.refused = place, rejected

    @property
    def distinct(self) -> int:
        """How many values differ, told by a checksum of 32 bits: a few too little where there are 100,000."""
        return len(set(self._sums))


class KindTally:
    """The pages of one kind: their URLs, where their records are on the shelf, and each field's tally."""

    def __init__(self, names: list[str], kind: int) -> None:
        self.fields = {name: FieldTally() for name in names}
        self.places: list[Place] = []
        self.read: list[Place] = []
        self.records = 0
        self.rejected: list[tuple[Place, Rejected]] = []
        self.unread: tuple[Place, list[str]] | None = None
        self._template: set[str] | None = None
        self._samples = 0
        self._kind = kind
        self._first, self._counts = array("Q"), array("I")

    def add(self, page: PageRecords, shelf: Shelf) -> None:
        """Count a page and put its records on the shelf."""
        # One text for both where they are the same: there is one of these a page.
        place = Place(page.url, page.url if page.fetched_url == page.url else page.fetched_url)
        self.places.append(place)
        self._first.append(len(shelf))
        self._counts.append(len(page.records))
        self.records += len(page.records)
        for record in page.records:
            shelf.put(self._kind, record)
            for name, tally in self.fields.items():
                tally.add(record[name], place)
        self._count(page, place)

    def in_order(self) -> Iterator[int]:
        """Where the records are on the shelf, by the URLs of their pages."""
        for at in sorted(range(len(self.places)), key=self.places.__getitem__):
            yield from range(self._first[at], self._first[at] + self._counts[at])

    def _count(self, page: PageRecords, place: Place) -> None:
        if page.records:
            self.read.append(place)
            for name, tally in self.fields.items():
                tally.matched += page.matched[name]
                tally.there.append(page.matched[name] > 0)
        for rejected in page.rejected:
            self.rejected.append((place, rejected))
            self.fields[rejected.field].reject(rejected, place)
        if page.unread:
            self._template = set(page.unread) if self._template is None else self._template & set(page.unread)
            self._samples += 1
            if self.unread is None or place < self.unread[0]:
                self.unread = place, page.unread

    def unread_of_record(self) -> list[str]:
        """What the first page looked at says that no field reads, without what all such pages say."""
        texts = self.unread[1] if self.unread is not None else []
        return [text for text in texts if self._samples == 1 or text not in (self._template or ())]
