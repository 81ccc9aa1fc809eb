"""The pages of a listing site, "Lincoln Way Homes", made from sales and templates."""

from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import jinja2

from demo.codebook import codebook
from demo.sales import Home, group_by_neighborhood
from demo.wording import age_line, headline, month_name

PER_PAGE = 24
MAP_BATCH = 60
_WITHDRAWN_PID = "0900000001"  # announced on the first listing page, and answered with 404
_FEATURED = 12


class Site:
    """Every page as HTML text; `base_url`, without a slash at the end, is what canonical links start with."""

    def __init__(self, homes: list[Home], base_url: str) -> None:
        self.base_url = base_url
        newest = sorted(homes, key=_sold, reverse=True)
        self.homes = {home.pid: home for home in newest}
        self.neighborhoods = group_by_neighborhood(newest)
        self.listing_pages = -(-len(newest) // PER_PAGE)
        self.busy_pid = newest[len(newest) // 2].pid
        self._newest = newest
        best = [home for home in newest if int(home.codes["overall_qual"]) >= 7 and home.pid != self.busy_pid]
        self._featured = best[:: max(1, len(best) // _FEATURED)][:_FEATURED] or newest[:1]
        places = self.neighborhoods.values()
        self._whereabouts = {h.pid: (place, at) for place in places for at, h in enumerate(place.homes)}
        self._sections = _sections()
        self._templates = _templates()
        self._templates.globals["base_url"] = base_url

    def front_page(self) -> str:
        """What a visitor sees first."""
        return self._render(
            "front.html",
            hero=max(self._featured, key=lambda home: home.price),
            newest=self._newest[:8],
            places=list(self.neighborhoods.values()),
            homes=len(self._newest),
            median_price=round(median(home.price for home in self._newest)),
        )

    def listing_page(self, number: int) -> str:
        """One of the numbered pages of homes, 1 to `listing_pages`, newest sale first."""
        start = (number - 1) * PER_PAGE
        return self._render(
            "listings.html",
            homes=self._newest[start : start + PER_PAGE],
            number=number,
            last=self.listing_pages,
            numbers=list(_page_numbers(number, self.listing_pages)),
            total=len(self._newest),
            first_shown=start + 1,
            featured=self._featured[number % len(self._featured)],
            withdrawn_pid=_WITHDRAWN_PID,
            places=list(self.neighborhoods.values()),
        )

    def home_page(self, pid: str) -> str:
        """All that is known of one home. Raises KeyError for a pid that is not on the site."""
        home = self.homes[pid]
        place, position = self._whereabouts[pid]
        around = [place.homes[(position + step) % len(place.homes)] for step in (1, 2, 3)]
        return self._render(
            "home.html",
            home=home,
            shown=home.shown,
            codes=home.codes,
            sections={
                name: [(label, home.shown[field]) for field, label in fields if field in home.shown]
                for name, fields in self._sections.items()
            },
            place=place,
            more=[other for other in around if other is not home],
        )

    def neighborhood_page(self, slug: str) -> str:
        """One part of town; its map is drawn in the browser. Raises KeyError for an unknown slug."""
        place = self.neighborhoods[slug]
        prices = sorted(home.price for home in place.homes)
        return self._render(
            "neighborhood.html",
            place=place,
            low=prices[0],
            high=prices[-1],
            built=age_line(place),
            places=list(self.neighborhoods.values()),
        )

    def map_rows(self, slug: str, offset: int) -> dict[str, Any]:
        """A batch of a neighborhood's homes for the map: JSON with degrees as numbers."""
        place = self.neighborhoods[slug]
        rows = [
            {"pid": home.pid, "longitude": home.place[0], "latitude": home.place[1], "price": home.price}
            for home in place.homes[offset : offset + MAP_BATCH]
        ]
        return {"total": len(place.homes), "offset": offset, "box": place.box, "homes": rows}

    def search_page(self, text: str) -> str:
        """Homes whose parcel, neighborhood or style holds the text, two dozen at most."""
        wanted = text.strip().lower()
        found = [home for home in self._newest if wanted in f"{home.pid} {headline(home)}".lower()]
        return self._render("search.html", text=text, total=len(found), homes=found[:PER_PAGE])

    def agents_page(self) -> str:
        """How to reach the agency."""
        return self._render("agents.html")

    def missing_page(self) -> str:
        """What stands where nothing is."""
        return self._render("missing.html")

    def sitemap(self) -> str:
        """The sitemap of listing, home and neighborhood pages."""
        paths = ["/", "/listings"]
        paths += [f"/homes/{pid}" for pid in self.homes]
        paths += [f"/neighborhoods/{slug}" for slug in self.neighborhoods]
        return self._render("sitemap.xml", paths=paths)

    def _render(self, template: str, **values: Any) -> str:
        return self._templates.get_template(template).render(values)


def _templates() -> jinja2.Environment:
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    templates.filters |= {"usd": "${:,}".format, "headline": headline, "month": month_name}
    return templates


def _sections() -> dict[str, list[tuple[str, str]]]:
    """Per section of the detail page its fields and their labels, in the codebook's order."""
    sections: dict[str, list[tuple[str, str]]] = {}
    for field in codebook().values():
        sections.setdefault(field.section, []).append((field.name, field.label))
    return sections


def _sold(home: Home) -> tuple[int, int, int]:
    return int(home.codes["yr_sold"]), int(home.codes["mo_sold"]), -int(home.codes["listing_no"])


def _page_numbers(number: int, last: int) -> Iterator[int | None]:
    """The numbers to link: the ends and those around the present one; None stands for a gap."""
    shown = [n for n in range(1, last + 1) if n in (1, last) or abs(n - number) <= 2]
    for before, page in zip([0, *shown], shown, strict=False):
        if page - before > 1:
            yield None
        yield page
