"""What is written is read back, other tools' libraries read it too, and a torn tail is cut off."""

import gzip
import os
from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator

from scrapers.errors import WarcError
from scrapers.fetched import Fetched
from scrapers.warc import PageWriter, read_about, read_page_at, read_pages, repair
from scrapers.warc_records import pack_exchange, pack_not_modified, pack_rendered

ABOUT = {"site": "shop", "spec": "abc"}
HTML = "<p>café</p>".encode()


def fetched(number: int) -> Fetched:
    headers = (
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Encoding", "gzip"),
        ("Transfer-Encoding", "chunked"),
    )
    return Fetched(
        f"http://x.example/%C3%A9/{number}?a=b%20c",
        status=200,
        reason="OK",
        headers=headers,
        request_headers=(("User-Agent", "millrace"),),
        body=gzip.compress(HTML),
        content=HTML,
    )


def written(path: Path, count: int) -> Path:
    with PageWriter(path, ABOUT) as writer:
        for number in range(count):
            writer.append(pack_exchange(fetched(number)).data)
        writer.append(pack_rendered("http://x.example/map", "<b>é</b>", "chrome 1"))
    return path


def test_round_trip(tmp_path: Path) -> None:
    path = written(tmp_path / "a.warc.gz", 3)
    *answers, drawn = read_pages(path)
    assert [page.url for page in answers] == [fetched(number).url for number in range(3)]
    assert {page.content for page in answers} == {HTML}
    assert answers[0].header("content-encoding") == "gzip"
    assert not answers[0].header("transfer-encoding")
    assert (drawn.rendered, drawn.status, drawn.content) == (True, 200, "<b>é</b>".encode())
    with path.open("rb") as file:
        assert read_page_at(file, answers[2].offset).url == fetched(2).url
    assert ABOUT.items() <= read_about(path).items()


def test_requests_are_there_and_digests_hold(tmp_path: Path) -> None:
    with written(tmp_path / "a.warc.gz", 2).open("rb") as file:
        records = []
        for record in ArchiveIterator(file, check_digests="raise"):
            record.content_stream().read()
            records.append(record.rec_type)
    assert records == ["warcinfo", "response", "request", "response", "request", "resource"]


@pytest.mark.parametrize("cut", [1, 7, 200])
def test_a_torn_tail_is_cut_off_and_written_on(tmp_path: Path, cut: int) -> None:
    path = written(tmp_path / "a.warc.gz", 4)
    whole = list(read_pages(path))
    os.truncate(path, path.stat().st_size - cut)
    assert repair(path) > 0
    assert repair(path) == 0
    assert list(read_pages(path)) == [page for page in whole if page.offset < path.stat().st_size]
    with PageWriter(path, ABOUT) as writer:
        writer.append(pack_exchange(fetched(9)).data)
    assert [page.url for page in read_pages(path)][-1] == fetched(9).url


def test_every_cut_leaves_whole_records(tmp_path: Path) -> None:
    data = written(tmp_path / "a.warc.gz", 2).read_bytes()
    torn = tmp_path / "torn.warc.gz"
    for size in range(0, len(data), 41):
        torn.write_bytes(data[:size])
        repair(torn)
        assert all(page.content for page in read_pages(torn))


def test_rubbish_after_the_last_record_is_cut_off(tmp_path: Path) -> None:
    path = written(tmp_path / "a.warc.gz", 1)
    size = path.stat().st_size
    with path.open("ab") as file:
        file.write(bytes(100))
    assert repair(path) == 100
    assert path.stat().st_size == size


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(WarcError, match=r"nowhere\.warc\.gz: expected a whole WARC file"):
        list(read_pages(tmp_path / "nowhere.warc.gz"))
    assert read_about(tmp_path / "nowhere.warc.gz") == {}


def test_an_unchanged_page_is_a_revisit_that_other_tools_know(tmp_path: Path) -> None:
    path = written(tmp_path / "a.warc.gz", 1)
    said = Fetched(fetched(0).url, status=304, reason="Not Modified", headers=(("ETag", '"a"'),))
    with PageWriter(path, ABOUT) as writer:
        writer.append(pack_not_modified(said, "2026-11-01T00:00:00Z"))
    with path.open("rb") as file:
        (revisit,) = [each for each in ArchiveIterator(file) if each.rec_type == "revisit"]
    assert revisit.rec_headers.get_header("WARC-Profile").endswith("/server-not-modified")
    assert revisit.rec_headers.get_header("WARC-Refers-To-Date") == "2026-11-01T00:00:00Z"
    assert revisit.http_headers.get_statuscode() == "304"
    assert [page.status for page in read_pages(path)] == [200, 200]
