"""Parses a crawl's WARC while it grows: the process that `scrape` starts, `python -m scrapers.follow`.

It is told in two lines on its standard input: first what to read, as JSON, then that the WARC is whole. The
answer is a pickle on its standard output: what `parse` gives, or the ScrapeError that it raises. Where
standard input ends before the second line, whoever asked is gone, and so is the question.
"""

import json
import os
import pickle
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from scrapers.errors import ScrapeError
from scrapers.health import from_report
from scrapers.parse import Parsed, collect
from scrapers.progress import bar
from scrapers.records import PageRecords
from scrapers.spec import Site
from scrapers.warc import Span, check_end, pages_in, whole_spans
from scrapers.workers import BATCH, SiteReader

LOOK_S = 0.05


def batches(file: BinaryIO, whole: threading.Event) -> Iterator[list[Span]]:
    """Where the records of a growing WARC stand, `BATCH` at a time as in `parse`; the last may be fewer.

    Ends after `whole` is set. Raises WarcError where what the file then holds is not whole.
    """
    batch: list[Span] = []
    end = 0
    while True:
        # Asked before the look: what is there by then is all.
        ended = whole.is_set()
        found = whole_spans(file, end)
        while more := list(islice(found, BATCH - len(batch))):
            batch += more
            end = batch[-1].end
            if len(batch) == BATCH:
                yield batch
                batch = []
        if ended:
            break
        whole.wait(LOOK_S)
    check_end(file, end)
    if batch:
        yield batch


def _opened(growing: Path, warc: Path) -> BinaryIO:
    """The WARC under the name that it has now."""
    try:
        return growing.open("rb")
    except FileNotFoundError:
        return warc.open("rb")  # the crawl is whole already


def _read(site: Site, opened: BinaryIO, whole: threading.Event, progress: bool) -> Iterator[PageRecords]:
    """The records of every page, in the order of the file; a bar shows what the crawl left over."""
    reader = SiteReader(site)
    with opened as file, ExitStack() as stack:
        left: Any = None
        for places in batches(file, whole):
            if left is None and whole.is_set():
                left = stack.enter_context(bar("parse", "B", unit_scale=True, shown=progress, delay=1))
                left.total = os.fstat(file.fileno()).st_size - places[0].start
            yield from reader.read(pages_in(file, places))
            if left is not None:
                left.update(places[-1].end - places[0].start)


def _answer(task: dict[str, Any], whole: threading.Event) -> Parsed | ScrapeError:
    site = Site.model_validate_json(task["spec"])
    opened = _opened(Path(task["growing"]), Path(task["warc"]))
    read = _read(site, opened, whole, bool(task["progress"]))
    last = from_report({"health": task["last"]})
    try:
        return collect(site, read, Path(task["warc"]), last=last, shelf_path=Path(task["shelf"]))
    except ScrapeError as error:
        return error


def _listen(whole: threading.Event) -> None:
    """Wait for the line that says that the WARC is whole; without it there is nobody to answer."""
    if not sys.stdin.readline():
        os._exit(1)
    whole.set()


def main() -> None:
    """Answer one question."""
    # Ctrl-C is for whoever asked, and they end this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    line = sys.stdin.readline()
    if not line:
        return
    whole = threading.Event()
    threading.Thread(target=_listen, args=(whole,), daemon=True).start()
    pickle.dump(_answer(json.loads(line), whole), sys.stdout.buffer)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
