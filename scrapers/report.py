"""What a crawl did: pages by kind and status, every URL that could not be had and why, what was left out."""

import json
import sqlite3
from collections import Counter
from dataclasses import asdict, dataclass, field

from scrapers.frontier import host_of
from scrapers.spec import Site

MAX_NAMED = 1000  # URLs that were passed over, by name


@dataclass(frozen=True)
class Failure:
    """A URL that could not be had; `status` is 0 when there was no answer, or no rendering."""

    url: str
    kind: str
    status: int
    reason: str

    @property
    def gone(self) -> bool:
        """Whether the site says that there is no such page."""
        return self.status in {404, 410}


@dataclass
class Tally:
    """What a run counts that the frontier does not keep; sizes in bytes."""

    resumed: int = 0
    rendered: int = 0
    retries: int = 0
    bytes: int = 0


@dataclass
class CrawlReport:
    """The account of one crawl, sizes in bytes and times in seconds.

    `pages` counts answers by kind, then status; `rendered` those that a browser drew; `resumed` those that
    an interrupted crawl had left; `unchanged` those that the crawl before had and the site says are the same.
    `duplicates` leads from a URL whose page names another as the canonical one to that. `off_site` counts the
    links to other hosts by host, `of_no_kind` those that no kind of page is for. `passed_over` are URLs that
    max_depth, max_barren or exclude left out, by reason. `gone` are pages that the crawl before had and this
    one has not. `left` is the number of URLs known but not fetched, when a budget ended the crawl.
    """

    site: str
    pages: dict[str, dict[str, int]] = field(default_factory=dict)
    errors: list[Failure] = field(default_factory=list)
    rendered: int = 0
    resumed: int = 0
    unchanged: int = 0
    redirects: int = 0
    retries: int = 0
    duplicates: dict[str, str] = field(default_factory=dict)
    robots_refused: list[str] = field(default_factory=list)
    off_site: dict[str, int] = field(default_factory=dict)
    of_no_kind: int = 0
    passed_over: dict[str, list[str]] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    left: int = 0
    bytes: int = 0
    seconds: float = 0.0

    @property
    def total(self) -> int:
        """All answers."""
        return sum(sum(statuses.values()) for statuses in self.pages.values())

    def to_json(self) -> str:
        """The report as indented JSON."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"

    def to_text(self) -> str:
        """The report as lines for a terminal."""
        lines = [f"{self.site}: {self.total:,} pages in {self.seconds:,.1f} s, {self.bytes / 2**20:,.1f} MiB"]
        for kind, statuses in self.pages.items():
            counts = ", ".join(f"{number:,} x {status}" for status, number in statuses.items())
            lines.append(f"  {kind}: {counts}")
        said = {
            "taken over from an interrupted crawl": self.resumed,
            "unchanged since the crawl before": self.unchanged,
            "drawn by a browser": self.rendered,
            "retries": self.retries,
            "duplicates by rel=canonical": len(self.duplicates),
            "links to other hosts": sum(self.off_site.values()),
            "links of no kind in the spec": self.of_no_kind,
            "refused by robots.txt": len(self.robots_refused),
            "gone since the crawl before": len(self.gone),
            "known but not fetched: a budget ended the crawl": self.left,
        }
        lines += [f"  {count:,} {what}" for what, count in said.items() if count]
        lines += [
            f"  {len(urls):,} left out ({why}), e.g. {urls[0]}" for why, urls in self.passed_over.items()
        ]
        lines += [f"  NOT HAD {each.url} ({each.kind}): {each.reason}" for each in self.errors]
        return "\n".join(lines)


def read_report(site: Site, base: sqlite3.Connection, tally: Tally, gone: list[str]) -> CrawlReport:
    """The account that a crawl's frontier `base` and its run's own tally give."""
    report = CrawlReport(site.name, gone=gone, **asdict(tally))
    for kind, status, number in base.execute(
        "SELECT kind, status, COUNT(*) FROM pages WHERE state IN ('done', 'failed', 'fetched') "
        "GROUP BY kind, status ORDER BY MIN(id)"
    ):
        report.pages.setdefault(kind, {})[str(status)] = number
        report.redirects += number if 300 <= status < 400 else 0
    report.errors = [
        Failure(url, kind, status if status >= 400 else 0, why)
        for url, kind, status, why in base.execute(
            "SELECT url, kind, status, why FROM pages WHERE state = 'failed' ORDER BY url"
        )
    ]
    report.errors = sorted(report.errors + _circles(base), key=lambda failure: failure.url)
    report.duplicates = dict(
        base.execute("SELECT url, stands_for FROM pages WHERE stands_for IS NOT NULL ORDER BY url").fetchall()
    )
    report.robots_refused = _urls(base, "robots")
    report.off_site = dict(Counter(host_of(url) for url in _urls(base, "off-site", -1)))
    report.of_no_kind = _number(base, "no-kind")
    report.left = _number(base, "queued")
    report.unchanged = base.execute("SELECT COALESCE(SUM(unchanged), 0) FROM pages").fetchone()[0]
    for state in ("too-deep", "barren", "excluded"):
        report.passed_over |= {state: urls} if (urls := _urls(base, state)) else {}
    return report


def _circles(base: sqlite3.Connection) -> list[Failure]:
    """The pages whose redirects lead back to themselves."""
    rows = base.execute("SELECT key, target, url, kind FROM pages WHERE target IS NOT NULL").fetchall()
    targets = {key: target for key, target, _, _ in rows}
    return [
        Failure(url, kind, 0, "redirected in a circle")
        for key, _, url, kind in rows
        if _comes_back(key, targets)
    ]


def _comes_back(key: str, targets: dict[str, str]) -> bool:
    passed: set[str] = set()
    at = key
    while at in targets and at not in passed:
        passed.add(at)
        at = targets[at]
    return at == key


def _urls(base: sqlite3.Connection, state: str, most: int = MAX_NAMED) -> list[str]:
    rows = base.execute("SELECT url FROM pages WHERE state = ? ORDER BY url LIMIT ?", (state, most))
    return [url for (url,) in rows]


def _number(base: sqlite3.Connection, state: str) -> int:
    return int(base.execute("SELECT COUNT(*) FROM pages WHERE state = ?", (state,)).fetchone()[0])
