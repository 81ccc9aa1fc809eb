"""Reads the pages of a WARC into records, over several processes when there are many."""

import os
import threading
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from itertools import chain, islice
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from pathlib import Path
from typing import NamedTuple

from scrapers.errors import ScrapeError
from scrapers.extract import KindReader
from scrapers.links import refresh_target
from scrapers.page import Page
from scrapers.progress import bar
from scrapers.records import PageRecords, read_page
from scrapers.spec import Site
from scrapers.verdict import Judge
from scrapers.warc import Span, StoredPage, read_spans, spans

_SAMPLES = 2  # pages of a kind in a batch whose unread texts are looked for
BATCH = 64
_BATCHES_AHEAD = 3


class Batch(NamedTuple):
    """Records of a WARC to be read together."""

    warc: Path
    spans: list[Span]


_Read = tuple[Batch, list[PageRecords]]


def read_all(site: Site, warc: Path, *, workers: int, progress: bool) -> Iterator[PageRecords]:
    """The records of every page whose kind has fields, in the order of the file.

    A page is read as the site answered, or, if its kind needs a browser, as that drew it. Raises WarcError;
    ScrapeError when a process ends abruptly.
    """
    spec = site.model_dump_json(by_alias=True, exclude_unset=True)
    batches = _batches(warc)
    first = list(islice(batches, 2))
    several = workers > 1 and len(first) == 2
    batches = chain(first, batches)
    with bar("parse", "B", unit_scale=True, shown=progress) as read_bytes:
        read_bytes.total = warc.stat().st_size if warc.exists() else None
        for batch, read in _pooled(spec, batches, workers) if several else _here(spec, batches):
            read_bytes.update(batch.spans[-1].end - batch.spans[0].start)
            yield from read


def read_batch(spec: str, batch: Batch) -> list[PageRecords]:
    """The records of some pages of the site with that spec, as JSON. Runs in a process of its own."""
    return list(_reader(spec).read(read_spans(batch.warc, batch.spans)))


class SiteReader:
    """Reads the pages of a site, of whatever kind."""

    def __init__(self, site: Site) -> None:
        self.site, self._judge = site, Judge(site)
        self._readers = {name: KindReader(kind) for name, kind in site.pages.items() if kind.fields}

    def read(self, batch: Iterable[StoredPage]) -> Iterator[PageRecords]:
        """The records of the pages of a batch."""
        seen = Counter[str]()
        for page in batch:
            yield from self._read(page, seen)

    def _read(self, stored: StoredPage, seen: Counter[str]) -> Iterator[PageRecords]:
        """The records of a page, if it has any to be read and is what it should be.

        What is unread is looked for on the first pages of a kind among those with the same `seen`.
        """
        kind = self.site.kind_of(stored.url) if 200 <= stored.status < 300 else None
        if kind not in self._readers or stored.rendered != (self.site.pages[kind].browser is not None):
            return
        page = Page(stored.url, stored.content, stored.header("content-type"), self.site.html5)
        if not self._judge.why_no_page(page) and refresh_target(page) is None:
            look = seen[kind] < _SAMPLES
            seen[kind] += 1
            yield read_page(page, kind, self._readers[kind], self.site, look_for_unread=look)


@lru_cache(maxsize=1)
def _reader(spec: str) -> SiteReader:
    """The reader of a site, whose spec is given as JSON: a process reads many batches of one site."""
    return SiteReader(Site.model_validate_json(spec))


def _batches(warc: Path) -> Iterator[Batch]:
    found = spans(warc)
    while batch := list(islice(found, BATCH)):
        yield Batch(warc, batch)


def _here(spec: str, batches: Iterator[Batch]) -> Iterator[_Read]:
    return ((batch, read_batch(spec, batch)) for batch in batches)


def _pooled(spec: str, batches: Iterator[Batch], workers: int) -> Iterator[_Read]:
    """The batches in order, read by several processes, only a few batches ahead of the reader."""
    ahead: deque[tuple[Batch, Future[list[PageRecords]]]] = deque()
    # spawn: a forked child of a process with threads may hang.
    with ProcessPoolExecutor(workers, get_context("spawn"), _end_with_parent) as pool:
        try:
            for batch in batches:
                ahead.append((batch, pool.submit(read_batch, spec, batch)))
                if len(ahead) >= workers * _BATCHES_AHEAD:
                    done, future = ahead.popleft()
                    yield done, future.result()
            while ahead:
                done, future = ahead.popleft()
                yield done, future.result()
        except BrokenProcessPool as error:
            raise ScrapeError(
                "a parsing process ended abruptly (memory?): run again with workers=1"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def _end_with_parent() -> None:
    """Let this process end when its parent is gone, by whatever signal."""
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def _end_after(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
