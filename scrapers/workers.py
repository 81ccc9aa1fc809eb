"""Reads the pages of a WARC into records, over several processes when there are many."""

import os
import threading
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import chain, islice
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from pathlib import Path

from tqdm import tqdm

from scrapers.errors import ScrapeError
from scrapers.extract import KindReader
from scrapers.links import refresh_target
from scrapers.page import Page
from scrapers.records import PageRecords, read_page
from scrapers.spec import Site
from scrapers.verdict import Judge
from scrapers.warc import read_pages

_BATCH = 16
_BATCHES_AHEAD = 3


@dataclass(frozen=True)
class _Item:
    kind: str
    page: Page
    is_sample: bool


_Read = tuple[list[_Item], list[PageRecords]]


def read_all(site: Site, warc: Path, *, workers: int, progress: bool) -> Iterator[PageRecords]:
    """The records of every page whose kind has fields, in the order of the file.

    A page is read as the site answered, or, if its kind needs a browser, as that drew it. Raises WarcError;
    ScrapeError when a process ends abruptly.
    """
    batches = _batches(site, warc)
    first = list(islice(batches, 2))
    several = workers > 1 and len(first) == 2
    batches = chain(first, batches)
    with tqdm(desc="parse", unit="page", disable=not progress, leave=False) as bar:
        for batch, read in _pooled(site, batches, workers) if several else _here(site, batches):
            bar.update(len(batch))
            yield from read


def read_batch(site: Site, batch: list[_Item]) -> list[PageRecords]:
    """The records of some pages. Runs in a process of its own."""
    readers = {name: KindReader(site.pages[name]) for name in {item.kind for item in batch}}
    judge = Judge(site)
    pages = (item for item in batch if not judge.why_no_page(item.page) and refresh_target(item.page) is None)
    return [
        read_page(item.page, item.kind, readers[item.kind], site, look_for_unread=item.is_sample)
        for item in pages
    ]


def _batches(site: Site, warc: Path) -> Iterator[list[_Item]]:
    pages = (stored for stored in read_pages(warc) if 200 <= stored.status < 300)
    seen: Counter[str] = Counter()
    items = (
        _Item(
            kind,
            Page(stored.url, stored.content, stored.header("content-type"), site.html5),
            is_sample=_is_first(kind, seen),
        )
        for stored in pages
        if (kind := site.kind_of(stored.url)) is not None
        and site.pages[kind].fields
        and stored.rendered == (site.pages[kind].browser is not None)
    )
    while batch := list(islice(items, _BATCH)):
        yield batch


def _is_first(kind: str, seen: Counter[str]) -> bool:
    seen[kind] += 1
    return seen[kind] == 1


def _here(site: Site, batches: Iterator[list[_Item]]) -> Iterator[_Read]:
    return ((batch, read_batch(site, batch)) for batch in batches)


def _pooled(site: Site, batches: Iterator[list[_Item]], workers: int) -> Iterator[_Read]:
    """The batches in order, read by several processes, only a few batches ahead of the reader."""
    ahead: deque[tuple[list[_Item], Future[list[PageRecords]]]] = deque()
    # spawn: a forked child of a process with threads may hang.
    with ProcessPoolExecutor(workers, get_context("spawn"), _end_with_parent) as pool:
        try:
            for batch in batches:
                ahead.append((batch, pool.submit(read_batch, site, batch)))
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
