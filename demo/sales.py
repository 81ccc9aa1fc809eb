"""The 2,930 house sales behind the site: Ames, Iowa, 2006 to 2010, as the assessor's office coded them.

Source: Dean De Cock, "Ames, Iowa: Alternative to the Boston Housing Data as an End of Semester Regression
Project", Journal of Statistics Education 19(3), 2011; longitude and latitude of each parcel added. They are
facts; the agency, its desks and its words are made up.
"""

import csv
import gzip
import io
import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median

from demo.codebook import codebook

TOTAL = 2930
_FILE = Path(__file__).with_name("sales.csv.gz")


@dataclass(frozen=True)
class Home:
    """One sale: source codes by field name ("" is unknown), and the words a page shows for them."""

    codes: dict[str, str]

    @property
    def pid(self) -> str:
        """The parcel's number, ten digits with a leading zero for most."""
        return self.codes["pid"]

    @property
    def price(self) -> int:
        """Sale price in US dollars."""
        return int(self.codes["sale_price"])

    @property
    def place(self) -> tuple[float, float]:
        """Longitude and latitude in degrees."""
        return float(self.codes["longitude"]), float(self.codes["latitude"])

    @cached_property
    def shown(self) -> dict[str, str]:
        """What a page says for each field that is known."""
        texts = {name: field.shown(self.codes[name]) for name, field in codebook().items()}
        return {name: text for name, text in texts.items() if text is not None}


@dataclass(frozen=True)
class Neighborhood:
    """A part of town and the homes sold in it."""

    name: str
    slug: str
    homes: list[Home]

    @cached_property
    def median_price(self) -> int:
        """Half of the homes sold for less, in US dollars."""
        return round(median(home.price for home in self.homes))

    @cached_property
    def box(self) -> tuple[float, float, float, float]:
        """West, south, east and north edge of its homes in degrees."""
        places = [home.place for home in self.homes]
        west, south = (min(axis) for axis in zip(*places, strict=True))
        east, north = (max(axis) for axis in zip(*places, strict=True))
        return west, south, east, north


def read_homes(limit: int = TOTAL) -> list[Home]:
    """The sales in the source's order, or a spread subset of `limit` of them from the largest neighborhoods.

    Raises ValueError unless 1 <= limit <= 2930.
    """
    if not 1 <= limit <= TOTAL:
        raise ValueError(f"limit: expected 1 to {TOTAL} homes, got {limit}")
    sources = {field.source: name for name, field in codebook().items()}
    text = gzip.decompress(_FILE.read_bytes()).decode("utf-8")
    rows = csv.DictReader(io.StringIO(text))
    homes = [Home({sources[column]: cell for column, cell in row.items()}) for row in rows]
    return homes if limit == TOTAL else _spread(homes, limit)


def _spread(homes: list[Home], limit: int) -> list[Home]:
    """Every n-th home of so many of the largest neighborhoods that each has several."""
    sizes = Counter(home.codes["neighborhood"] for home in homes)
    some = dict(sizes.most_common(max(1, limit // 8)))
    pool = [home for home in homes if home.codes["neighborhood"] in some]
    if len(pool) < limit:
        pool = homes
    return [pool[position * len(pool) // limit] for position in range(limit)]


def group_by_neighborhood(homes: list[Home]) -> dict[str, Neighborhood]:
    """Neighborhoods by slug, alphabetically."""
    groups: dict[str, list[Home]] = {}
    for home in homes:
        groups.setdefault(home.shown["neighborhood"], []).append(home)
    return {slug_of(name): Neighborhood(name, slug_of(name), groups[name]) for name in sorted(groups)}


def slug_of(name: str) -> str:
    """A name as a part of a path: "Iowa DOT & Railroad" gives iowa-dot-railroad."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
