"""A crawl under way on disk, or what an interrupted one left: its WARC, its frontier, and how they agree."""

import hashlib
import logging
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from scrapers.fetched import RETRY_STATUSES, Fetched, status_error
from scrapers.frontier import connect, recall
from scrapers.spec import Site
from scrapers.warc import read_about, read_begun, read_page_at, read_pages, repair

WARC_NAME, FRONTIER_NAME, REPORT_NAME = "pages.warc.gz", "crawl.sqlite", "crawl.json"
MAX_AGE_S = 24 * 60 * 60  # of the oldest page taken over: the site may be another one by then

_AGAIN = (
    "UPDATE pages SET state = 'queued' WHERE state = 'failed' AND "  # noqa: S608
    f"(status < 400 OR status >= 500 OR status IN ({', '.join(map(str, sorted(RETRY_STATUSES)))}))"
)

log = logging.getLogger(__name__)


def about(site: Site) -> dict[str, str]:
    """What a crawl's WARC file says of itself: whose pages it holds, fetched by which spec (all of it)."""
    # Keys come in the model's order, kinds of page in the spec's: the first that matches a URL wins.
    text = site.model_dump_json()
    return {
        "software": "millrace",
        "format": "WARC File Format 1.1",
        "site": site.name,
        "http-header-user-agent": site.crawl.user_agent,
        "spec": hashlib.sha256(text.encode()).hexdigest(),
    }


class Partial:
    """The files of a crawl that is not finished: FOLDER/pages.warc.gz.partial and crawl.sqlite.partial.

    A torn tail of the WARC is cut off, and what it lacks is queued again. Files of another spec, or begun
    over MAX_AGE_S seconds ago, are removed, and a warning logged. What an interrupted crawl had fetched and
    not yet settled is here by URL, so that it is not fetched again; answers that another try might better
    count as not had. `resumed` is the number of pages that were settled.
    """

    def __init__(self, folder: Path, site: Site) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.warc, self.frontier = (folder / f"{name}.partial" for name in (WARC_NAME, FRONTIER_NAME))
        self._answers: dict[str, int] = {}
        self._renderings: dict[str, int] = {}
        self._file: BinaryIO | None = None
        self.resumed = 0
        if not self.warc.exists():
            self._remove()
            return
        unfit = _unfit(self.warc, site)
        if unfit:
            log.warning("%s: %s: starting afresh", self.warc, unfit)
            self._remove()
            return
        self._index(self._agree())
        self._file = self.warc.open("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def answer(self, url: str) -> tuple[Fetched, int] | None:
        """The answer that was had for a URL and not settled, and where it starts in the WARC."""
        offset = self._answers.pop(url, None)
        if offset is None or self._file is None:
            return None
        page = read_page_at(self._file, offset)
        error = status_error(page.status, "")
        had = Fetched(page.url, status=page.status, headers=page.headers, content=page.content, error=error)
        return had, offset

    def rendering(self, url: str) -> bytes | None:
        """What a browser drew for a URL, as HTML in UTF-8."""
        offset = self._renderings.get(url)
        return None if offset is None or self._file is None else read_page_at(self._file, offset).content

    def finish(self, folder: Path) -> None:
        """Put the whole crawl in the place of the one before."""
        self.frontier.replace(folder / FRONTIER_NAME)
        self.warc.replace(folder / WARC_NAME)

    def _remove(self) -> None:
        for path in (self.warc, self.frontier, *self.frontier.parent.glob(f"{self.frontier.name}-*")):
            path.unlink(missing_ok=True)

    def _agree(self) -> int:
        """Let the frontier claim nothing that the WARC lacks; from where on the WARC holds more."""
        base = connect(self.frontier)
        try:
            end = int(recall(base).get("warc_end", "0"))
            repair(self.warc, min(end, self.warc.stat().st_size))
            size = self.warc.stat().st_size
            base.execute("UPDATE pages SET state = 'queued' WHERE start + size > ?", (size,))
            base.execute(_AGAIN)
            (self.resumed,) = base.execute(
                "SELECT COUNT(*) FROM pages WHERE state IN ('done', 'failed', 'fetched')"
            ).fetchone()
            base.commit()
        finally:
            base.close()
        return min(end, size)

    def _index(self, start: int) -> None:
        for page in read_pages(self.warc, start):
            if page.rendered:
                self._renderings[page.url] = page.offset
            elif page.status not in RETRY_STATUSES and page.status < 500:
                self._answers[page.url] = page.offset


def _unfit(path: Path, site: Site) -> str:
    """Why a file's pages are not to be taken over; empty when they are."""
    said, begun = read_about(path), read_begun(path)
    if not said or begun is None:
        return "left over without a whole page"
    if said != about(site):
        return "holds pages fetched by another version of the spec, or of another spec"
    if (datetime.now(UTC) - begun).total_seconds() > MAX_AGE_S:
        return f"begun more than {MAX_AGE_S // 3600} h ago"
    return ""
