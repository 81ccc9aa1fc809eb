"""What an interrupted crawl left: its pages, so that none of them is fetched again."""

import hashlib
import logging
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from scrapers.fetch import RETRY_STATUSES, Fetched, status_error
from scrapers.spec import Site
from scrapers.warc import StoredPage, read_about, read_begun, read_page_at, read_pages, repair

MAX_AGE_S = 24 * 60 * 60  # of the oldest page taken over: the site may be another one by then

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


class Leftover:
    """The pages of an unfinished WARC file, by URL; a torn tail is cut off.

    A file of another spec, or begun over MAX_AGE_S seconds ago, is removed, and a warning logged.
    Answers that another try might better (429 and server errors) count as not had.
    """

    def __init__(self, path: Path, site: Site) -> None:
        self._answers: dict[str, int] = {}
        self._renderings: dict[str, int] = {}
        self._file: BinaryIO | None = None
        if not path.exists():
            return
        repair(path)
        unfit = _unfit(path, site)
        if unfit:
            log.warning("%s: %s: starting afresh", path, unfit)
            path.unlink()
            return
        self._index(path)
        self._file = path.open("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def answer(self, url: str) -> Fetched | None:
        """The answer that was had for a URL."""
        page = self._page(self._answers.get(url))
        if page is None:
            return None
        error = status_error(page.status, "")
        return Fetched(page.url, status=page.status, headers=page.headers, content=page.content, error=error)

    def rendering(self, url: str) -> bytes | None:
        """What a browser drew for a URL, as HTML in UTF-8."""
        page = self._page(self._renderings.get(url))
        return None if page is None else page.content

    def _page(self, offset: int | None) -> StoredPage | None:
        return None if offset is None or self._file is None else read_page_at(self._file, offset)

    def _index(self, path: Path) -> None:
        for page in read_pages(path):
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
