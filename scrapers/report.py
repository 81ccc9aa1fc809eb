"""What a crawl did: pages by kind and status, every URL that could not be had and why, what was left out."""

import json
from dataclasses import asdict, dataclass, field


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
class CrawlReport:
    """The account of one crawl, sizes in bytes and times in seconds.

    `pages` counts answers by kind, then status; `rendered` those that a browser drew; `resumed` those that
    an interrupted crawl had left. `duplicates` leads from a URL whose page names another as the canonical one
    to that. `off_site` counts the links to other hosts by host, `of_no_kind` those that no kind of page is
    for. `left` is the number of URLs known but not fetched, when max_pages ended the crawl.
    """

    site: str
    pages: dict[str, dict[str, int]] = field(default_factory=dict)
    errors: list[Failure] = field(default_factory=list)
    rendered: int = 0
    resumed: int = 0
    redirects: int = 0
    retries: int = 0
    duplicates: dict[str, str] = field(default_factory=dict)
    robots_refused: list[str] = field(default_factory=list)
    off_site: dict[str, int] = field(default_factory=dict)
    of_no_kind: int = 0
    left: int = 0
    bytes: int = 0
    seconds: float = 0.0

    def count(self, kind: str, status: int) -> None:
        """Count one answer."""
        statuses = self.pages.setdefault(kind, {})
        statuses[str(status)] = statuses.get(str(status), 0) + 1

    def sort(self) -> None:
        """Bring what came in the order of the answers into the order of the URLs."""
        self.errors.sort(key=lambda failure: failure.url)
        self.robots_refused.sort()
        self.duplicates = dict(sorted(self.duplicates.items()))

    @property
    def total(self) -> int:
        """All answers."""
        return sum(sum(statuses.values()) for statuses in self.pages.values())

    def to_json(self) -> str:
        """The report as indented JSON."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"
