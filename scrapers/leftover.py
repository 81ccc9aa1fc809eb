"""What an interrupted crawl left: its pages, so that none of them is fetched again."""

import hashlib
import json
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from scrapers.fetch import RETRY_STATUSES, Fetched, status_error
from scrapers.spec import Site
from scrapers.warc import StoredPage, read_about, read_page_at, read_pages, repair


def about(site: Site) -> dict[str, str]:
    """What a crawl's WARC file says of itself: whose pages it holds, fetched by which spec."""
    spec = site.model_dump(mode="json", include={"base_url": True, "start": True})
    kinds = {
        name: kind.model_dump(mode="json", include={"url", "browser"}) for name, kind in site.pages.items()
    }
    text = json.dumps([spec, site.crawl.user_agent, kinds], sort_keys=True)
    return {
        "software": "millrace",
        "format": "WARC File Format 1.1",
        "site": site.name,
        "http-header-user-agent": site.crawl.user_agent,
        "spec": hashlib.sha256(text.encode()).hexdigest(),
    }


class Leftover:
    """The pages of an unfinished WARC file, by URL; a torn tail is cut off, a file of another spec removed.

    Answers that another try might better (429 and server errors) count as not had.
    """

    def __init__(self, path: Path, site: Site) -> None:
        self._answers: dict[str, int] = {}
        self._renderings: dict[str, int] = {}
        self._file: BinaryIO | None = None
        if not path.exists():
            return
        repair(path)
        if read_about(path) == about(site):
            self._index(path)
            self._file = path.open("rb")
        else:
            path.unlink()

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
