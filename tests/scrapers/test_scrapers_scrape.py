"""Crawled and parsed at once: the records are those of one after the other."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from scrapers.crawl import crawl
from scrapers.errors import LostPagesError, ScrapeError, SelectorError, WarcError
from scrapers.follow import batches
from scrapers.health import as_report
from scrapers.parse import Parsed, parse
from scrapers.scrape import Scraped, scrape
from scrapers.warc import PageWriter, spans
from scrapers.warc_records import pack_info
from scrapers.workers import BATCH


def run(web: Any, folder: Path, **changes: Any) -> Scraped:
    return scrape(web.site(**changes), folder, progress=False)


def said(parsed: Parsed) -> dict[str, Any]:
    """All of it, in a form that compares."""
    return {**vars(parsed), "records": list(parsed.records), "health": as_report(parsed.health)}


def followers() -> list[psutil.Process]:
    return [
        each
        for each in psutil.Process().children(recursive=True)
        if "scrapers.follow" in each.cmdline() and each.status() != psutil.STATUS_ZOMBIE
    ]


def test_it_gives_what_crawl_and_parse_give(web: Any, tmp_path: Path) -> None:
    web.fill(150)
    web.page("/homes/3", web.home(4))
    web.page("/homes/5", web.home(5, extra="<p>Sold by Ann</p>").replace("6,000 sq ft", "large"))
    at_once = run(web, tmp_path / "a")
    crawled = crawl(web.site(), tmp_path / "b", progress=False)
    after = parse(web.site(), tmp_path / "b" / "pages.warc.gz", progress=False)
    assert len(at_once.parsed.records) == 149
    # Pages come in the order in which they are answered: of two that are alike either is looked at.
    assert at_once.parsed.rejected
    assert said(at_once.parsed) == said(after) | {"unread": at_once.parsed.unread}
    assert at_once.parsed.unread.keys() == after.unread.keys()
    assert at_once.report.pages == crawled.pages
    assert not followers()


def test_it_goes_on_and_asks_only_for_what_changed(web: Any, tmp_path: Path) -> None:
    web.fill(30)
    first = run(web, tmp_path)
    web.page("/homes/7", web.home(7, price="$5"))
    second = run(web, tmp_path)
    prices = [
        {record["pid"]: record["price"] for record in found.parsed.records} for found in (first, second)
    ]
    assert {pid for pid in prices[0] if prices[0][pid] != prices[1][pid]} == {"0007"}


def test_a_crawl_that_lost_pages_gives_no_records_and_goes_on(web: Any, tmp_path: Path) -> None:
    web.fill(30)
    listed = web.routes["/list?page=2"]
    web.routes["/list?page=2"] = lambda _: web.Answer(b"", 500)
    with pytest.raises(LostPagesError):
        run(web, tmp_path)
    assert not followers()
    web.routes["/list?page=2"] = listed
    asked = len(web.requests)
    assert len(run(web, tmp_path).parsed.records) == 30
    assert len(web.requests) - asked < 15


def test_pages_that_cannot_be_read_leave_the_crawl_whole(web: Any, tmp_path: Path) -> None:
    web.fill(20)
    pages = web.spec()["pages"]
    pages["home"]["fields"]["price"] = {"css": ".cost", "type": "money", "unit": "USD"}
    with pytest.raises(SelectorError, match="price"):
        run(web, tmp_path, pages=pages)
    assert not followers()
    assert (tmp_path / "pages.warc.gz").exists()
    assert len(parse(web.site(), tmp_path / "pages.warc.gz", progress=False).records) == 20
    asked = len(web.requests)
    mended = scrape(web.site(), tmp_path, progress=False, since=datetime.now(UTC) - timedelta(days=1))
    assert len(mended.parsed.records) == 20
    assert web.requests[asked:] == ["/robots.txt"]


def test_the_records_outlive_the_process_that_read_them(web: Any, tmp_path: Path) -> None:
    web.fill(10)
    records = run(web, tmp_path).parsed.records
    assert [record["pid"] for record in records] == [f"{number:04d}" for number in range(10)]
    assert [record["pid"] for record in records] == [f"{number:04d}" for number in range(10)]


def test_a_killed_follower_is_an_error_and_the_crawl_is_whole(web: Any, tmp_path: Path) -> None:
    web.fill(40)
    page = web.Answer(web.home(1).encode())

    def kill(_: int) -> Any:
        for each in followers():
            each.kill()
        return page

    web.routes["/homes/1"] = kill
    with pytest.raises(ScrapeError, match="ended abruptly"):
        run(web, tmp_path)
    assert len(parse(web.site(), tmp_path / "pages.warc.gz", progress=False).records) == 40


def test_a_follower_ends_with_who_asked(web: Any, tmp_path: Path) -> None:
    web.fill(5)
    reached = threading.Event()

    def hang(_: int) -> Any:
        reached.set()
        time.sleep(30)
        return web.Answer(b"", 500)

    web.routes["/homes/3"] = hang
    spec = tmp_path / "site.json"
    spec.write_text(json.dumps(web.spec()))
    code = (
        "import sys; from pathlib import Path; from scrapers.scrape import scrape; "
        "from scrapers.spec import load_site; scrape(load_site(sys.argv[1]), Path(sys.argv[2]))"
    )
    asking = subprocess.Popen(
        [sys.executable, "-c", code, str(spec), str(tmp_path)], stderr=subprocess.DEVNULL
    )
    assert reached.wait(30)
    (follower,) = followers()
    os.kill(asking.pid, signal.SIGKILL)
    asking.wait()
    follower.wait(timeout=10)


def test_a_growing_file_is_read_in_the_batches_of_a_whole_one(tmp_path: Path) -> None:
    path = tmp_path / "pages.warc.gz"
    whole = threading.Event()
    member = pack_info({"software": "millrace"})
    with PageWriter(path, {"software": "millrace"}) as writer, path.open("rb") as file:
        found = batches(file, whole)
        for _ in range(2 * BATCH + 5):
            writer.append(member)
        read = [next(found), next(found)]
        writer.append(member[:-3])
        rest: list[Any] = []
        reading = threading.Thread(target=lambda: rest.extend(found))
        reading.start()
        time.sleep(0.2)
        assert not rest
        writer.append(member[-3:])
        whole.set()
        reading.join(10)
    assert [len(each) for each in read + rest] == [BATCH, BATCH, 7]
    assert [span for each in read + rest for span in each] == list(spans(path))


def test_what_is_torn_at_the_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pages.warc.gz"
    whole = threading.Event()
    whole.set()
    with PageWriter(path, {"software": "millrace"}) as writer, path.open("rb") as file:
        writer.append(pack_info({"software": "millrace"})[:-3])
        with pytest.raises(WarcError, match="got part of one"):
            list(batches(file, whole))
