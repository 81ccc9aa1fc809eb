"""Crawls and parses at once: the WARC is read by another process, on another core, while it grows."""

import json
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from scrapers.crawl import WARC_NAME, crawl
from scrapers.errors import ScrapeError
from scrapers.health import Health, as_report
from scrapers.parse import Parsed
from scrapers.report import CrawlReport
from scrapers.spec import Site

_STOP_S = 10.0


@dataclass(frozen=True)
class Scraped:
    """What a site's crawl did, and what its pages say."""

    report: CrawlReport
    parsed: Parsed


def scrape(
    site: Site,
    folder: Path,
    *,
    since: datetime | None = None,
    last: Mapping[str, Mapping[str, Health]] | None = None,
    progress: bool = True,
) -> Scraped:
    """What `crawl` into `folder`, then `parse` of its WARC give, in the time of the longer of the two.

    Raises what they raise. Where the pages cannot be read the crawl is kept: `parse` can be called with a
    mended spec, or this again, with a `since` before the crawl, and nothing is fetched anew.
    """
    with _Follower(site, folder / WARC_NAME, last or {}, progress) as follower:
        report = crawl(site, folder, since=since, progress=progress, begun=follower.begin)
        return Scraped(report, follower.parsed())


class _Follower:
    """The process that parses; it starts with this, so that it is ready when the first pages are there."""

    def __init__(
        self, site: Site, warc: Path, last: Mapping[str, Mapping[str, Health]], progress: bool
    ) -> None:
        self._site, self._warc, self._last, self._progress = site, warc, last, progress

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="millrace-")
        command = [sys.executable, "-m", "scrapers.follow"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate(timeout=_STOP_S)
        self._folder.cleanup()

    def begin(self, growing: Path) -> None:
        """Let it read the WARC that grows there."""
        task = {
            "spec": self._site.model_dump_json(by_alias=True, exclude_unset=True),
            "growing": str(growing),
            "warc": str(self._warc),
            "shelf": str(Path(self._folder.name) / "records"),
            "last": as_report(self._last),
            "progress": self._progress,
        }
        self._say(json.dumps(task))

    def parsed(self) -> Parsed:
        """What it has read, when the WARC is whole. Raises what `parse` raises."""
        self._say("whole")
        assert self._process.stdout is not None
        answer = self._process.stdout.read()
        status = self._process.wait()
        if status or not answer:
            raise ScrapeError(
                f"the process that parses ended abruptly (status {status}; memory?), but the crawl is whole, "
                f"{self._warc}: run again, with --since 1d nothing is fetched anew"
            )
        found = pickle.loads(answer)
        if isinstance(found, ScrapeError):
            raise found
        assert isinstance(found, Parsed)
        return found

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            return  # `parsed` tells that it ended
