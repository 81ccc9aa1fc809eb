"""A crawl killed at any moment and started again fetches little twice and gives the same records."""

import random
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scrapers import warc_records
from scrapers.crawl import crawl
from scrapers.errors import LostPagesError
from scrapers.parse import Parsed, parse
from scrapers.partial import MAX_AGE_S, Partial
from scrapers.spec import Site

CRAWL = """
import sys
from pathlib import Path
from scrapers.crawl import crawl
from scrapers.spec import load_site
crawl(load_site(sys.argv[1]), Path(sys.argv[2]), progress=False)
"""
IN_FLIGHT = 8  # the spec's concurrency


def records(site: Site, folder: Path) -> Parsed:
    return parse(site, folder / "pages.warc.gz", workers=1, progress=False)


def killed_crawl(web: Any, folder: Path, after_requests: int) -> None:
    """Crawl in another process and kill it when the site has been asked so often."""
    spec = folder / "site.yaml"
    spec.write_text(yaml.safe_dump(web.spec(), sort_keys=False))
    web.requests.clear()
    process = subprocess.Popen([sys.executable, "-c", CRAWL, str(spec), str(folder / "killed")])
    while len(web.requests) < after_requests and process.poll() is None:
        time.sleep(0.001)
    process.kill()
    process.wait()


def check_resume(web: Any, folder: Path, after_requests: int) -> None:
    whole, site = folder.parent / "whole", web.site()
    if not whole.exists():
        web.fill(60)
        crawl(site, whole, progress=False)
    killed_crawl(web, folder, after_requests)
    assert not (folder / "killed" / "pages.warc.gz").exists()
    report = crawl(site, folder / "killed", progress=False)
    asked = [path for path in web.requests if path != "/robots.txt"]
    assert len(asked) - len(set(asked)) <= IN_FLIGHT
    assert report.resumed >= after_requests - 1 - IN_FLIGHT
    assert report.pages == {"list": {"200": 6}, "home": {"200": 60}}
    assert records(site, folder / "killed") == records(site, whole)


@pytest.mark.slow  # crawls in processes of their own
@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(after_requests=st.integers(1, 64))
def test_killed_at_any_moment(
    web: Any, tmp_path_factory: pytest.TempPathFactory, after_requests: int
) -> None:
    check_resume(web, tmp_path_factory.mktemp("killed"), after_requests)


@pytest.mark.slow  # crawls in processes of their own
def test_killed_again_and_again(web: Any, tmp_path: Path) -> None:
    web.fill(60)
    crawl(web.site(), tmp_path / "whole", progress=False)
    asked: list[str] = []
    for _ in range(5):
        killed_crawl(web, tmp_path, 12)
        asked += web.requests
    web.requests.clear()
    crawl(web.site(), tmp_path / "killed", progress=False)
    asked = [path for path in asked + web.requests if path != "/robots.txt"]
    assert len(asked) - len(set(asked)) <= 5 * IN_FLIGHT
    assert records(web.site(), tmp_path / "killed") == records(web.site(), tmp_path / "whole")


def test_a_partial_file_cut_anywhere_is_gone_on_from(web: Any, tmp_path: Path) -> None:
    web.fill(12)
    site = web.site()
    crawl(site, tmp_path / "whole", progress=False)
    data = (tmp_path / "whole" / "pages.warc.gz").read_bytes()
    for size in random.Random(1).sample(range(len(data)), 5):
        folder = tmp_path / str(size)
        folder.mkdir()
        (folder / "pages.warc.gz.partial").write_bytes(data[:size])
        crawl(site, folder, progress=False)
        assert records(site, folder) == records(site, tmp_path / "whole")


def test_a_page_that_was_broken_before_is_asked_for_again(web: Any, tmp_path: Path) -> None:
    web.fill(12)
    whole = web.routes["/list?page=1"]
    web.page("/list?page=1", "broken", 503)
    with pytest.raises(Exception, match="unknown number is lost"):
        crawl(web.site(), tmp_path, progress=False)
    web.routes["/list?page=1"] = whole
    assert len(crawl(web.site(), tmp_path, progress=False).pages["home"]) == 1
    assert len(records(web.site(), tmp_path).records) == 12


def interrupted(web: Any, folder: Path, **spec: Any) -> Site:
    """Leave a partial file behind: all pages but one of the list, which answers again afterwards."""
    web.fill(12)
    whole = web.routes["/list?page=1"]
    web.page("/list?page=1", "broken", 503)
    site: Site = web.site(**spec)
    with pytest.raises(LostPagesError):
        crawl(site, folder, progress=False)
    web.routes["/list?page=1"] = whole
    return site


def reordered(spec: dict[str, Any]) -> dict[str, Any]:
    return spec | {"pages": dict(reversed(spec["pages"].items()))}


@pytest.mark.parametrize(
    "change",
    [
        lambda spec: spec | {"crawl": spec["crawl"] | {"drop_query": []}},
        lambda spec: spec | {"key": "code", "pages": spec["pages"] | {"home": coded(spec["pages"]["home"])}},
        lambda spec: spec | {"pages": spec["pages"] | {"list": spec["pages"]["list"] | {"follow": []}}},
        reordered,
    ],
)
def test_pages_of_another_spec_are_left(
    web: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture, change: Any
) -> None:
    interrupted(web, tmp_path)
    other = web.site(**change(web.spec()))
    with Partial(tmp_path, other) as left:
        assert left.answer(f"{web.url}/list") is None
        assert left.resumed == 0
    assert not (tmp_path / "pages.warc.gz.partial").exists()
    (line,) = caplog.messages
    assert "of another spec" in line
    assert "\n" not in line


def coded(kind: dict[str, Any]) -> dict[str, Any]:
    return kind | {"fields": kind["fields"] | {"code": kind["fields"]["pid"]}}


@pytest.mark.parametrize(("older_s", "resumed"), [(-600, True), (600, False)])
def test_a_partial_file_begun_over_a_day_ago_is_left(
    web: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    older_s: int,
    resumed: bool,
) -> None:
    begun = datetime.now(UTC) - timedelta(seconds=MAX_AGE_S + older_s)
    with monkeypatch.context() as then:
        then.setattr(warc_records, "now", lambda: begun)
        site = interrupted(web, tmp_path)
    web.requests.clear()
    assert (crawl(site, tmp_path, progress=False).resumed > 0) == resumed
    assert ("/homes/1" not in web.requests) == resumed
    assert len(records(site, tmp_path).records) == 12
    assert ["begun more than 24 h ago" in line for line in caplog.messages] == ([] if resumed else [True])
