"""A crawl killed at any moment and started again fetches little twice and gives the same records."""

import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from scrapers.crawl import crawl
from scrapers.parse import Parsed, parse
from scrapers.spec import Site

CRAWL = """
import sys
from pathlib import Path
from scrapers.crawl import crawl
from scrapers.spec import load_site
crawl(load_site(sys.argv[1]), Path(sys.argv[2]), progress=False)
"""
IN_FLIGHT = 8  # twice the spec's concurrency


def records(site: Site, folder: Path) -> Parsed:
    return parse(site, folder / "pages.warc.gz", workers=1, progress=False)


def killed_crawl(web: Any, folder: Path, after_requests: int) -> None:
    """Crawl in another process and kill it when the site has been asked so often."""
    spec = folder / "site.yaml"
    spec.write_text(yaml.safe_dump(web.spec()))
    web.requests.clear()
    process = subprocess.Popen([sys.executable, "-c", CRAWL, str(spec), str(folder / "killed")])
    while len(web.requests) < after_requests and process.poll() is None:
        time.sleep(0.001)
    process.kill()
    process.wait()


def check_resume(web: Any, folder: Path, after_requests: int) -> None:
    web.fill(60)
    whole, site = folder / "whole", web.site()
    crawl(site, whole, progress=False)
    killed_crawl(web, folder, after_requests)
    assert not (folder / "killed" / "pages.warc.gz").exists()
    report = crawl(site, folder / "killed", progress=False)
    asked = [path for path in web.requests if path != "/robots.txt"]
    assert len(asked) - len(set(asked)) <= IN_FLIGHT
    assert report.resumed >= after_requests - 1 - IN_FLIGHT
    assert report.pages == {"list": {"200": 6}, "home": {"200": 60}}
    assert records(site, folder / "killed") == records(site, whole)


@pytest.mark.slow  # crawls in a process of its own
@pytest.mark.parametrize("seed", range(6))
def test_killed_at_any_moment(web: Any, tmp_path: Path, seed: int) -> None:
    check_resume(web, tmp_path, after_requests=random.Random(seed).randint(1, 64))


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
