"""Which path answers with which page; also the site's bad days: a dead link, and a page that is busy once."""

import threading
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from demo.answers import SVG, TEXT, XML, Answer, busy, page, rows
from demo.picture import house_svg
from demo.site import Site

_STATIC = Path(__file__).with_name("static")
_STATIC_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": SVG}
_ROBOTS = """\
User-agent: *
Disallow: /agents/
Disallow: /search
Disallow: /neighborhoods/preview
Crawl-delay: 0.002

Sitemap: {base_url}/sitemap.xml
"""


class Routes:
    """Answers requests to one site; safe to call from several threads."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._static = {file.name: file.read_bytes() for file in _STATIC.iterdir()}
        self._busy_pids = {site.busy_pid}
        self._lock = threading.Lock()
        self._cached_home = lru_cache(maxsize=256)(lambda pid: page(site.home_page(pid)))

    def answer(self, path: str, query: Mapping[str, str]) -> Answer:
        """The answer to a path like /homes/0526301100; unknown ones get the 404 page."""
        match path.strip("/").split("/"):
            case [""]:
                return page(self.site.front_page())
            case ["homes" | "featured", pid]:
                return self._home(pid)
            case ["homes", pid, "house.svg"] if home := self.site.homes.get(pid):
                return Answer(house_svg(home.codes).encode(), SVG, headers={"Cache-Control": "max-age=3600"})
            case ["agents", *_] | ["neighborhoods", "preview"]:
                return page(self.site.agents_page())
            case ["neighborhoods", slug] if slug in self.site.neighborhoods:
                return page(self.site.neighborhood_page(slug))
            case ["api", "neighborhoods", slug] if slug in self.site.neighborhoods:
                return rows(self.site.map_rows(slug, _number(query.get("offset", "0"), default=0)))
            case ["static", name] if name in self._static:
                return Answer(self._static[name], _STATIC_TYPES[Path(name).suffix])
            case [name]:
                return self._single(name, query)
        return self._missing()

    def _single(self, name: str, query: Mapping[str, str]) -> Answer:
        match name:
            case "listings":
                return self._listings(_number(query.get("page", "1"), default=0))
            case "search":
                return page(self.site.search_page(query.get("q", "")))
            case "robots.txt":
                return Answer(_ROBOTS.format(base_url=self.site.base_url).encode(), TEXT)
            case "sitemap.xml":
                return Answer(self.site.sitemap().encode(), XML)
            case "health":
                return Answer(b"ok\n", TEXT)
        return self._missing()

    def _home(self, pid: str) -> Answer:
        with self._lock:
            if pid in self._busy_pids:
                self._busy_pids.remove(pid)
                return busy(retry_after_s=1)
        return self._cached_home(pid) if pid in self.site.homes else self._missing()

    def _listings(self, number: int) -> Answer:
        if not 1 <= number <= self.site.listing_pages:
            return self._missing()
        return page(self.site.listing_page(number))

    def _missing(self) -> Answer:
        return page(self.site.missing_page(), status=404)


def _number(text: str, *, default: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default
