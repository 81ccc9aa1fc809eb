"""A prediction from a pasted URL: a started service reads a page of a real local site by its spec."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from tests.scrapers.fault_site import FaultSite, answer

HOME = "<b class=pid>7</b><p class=area>80.5</p><p class=rooms>3 rooms</p><i class=quality>Good</i>"


def spec(web: FaultSite, folder: Path) -> Path:
    """The site's spec, as a file."""
    fields = {
        "pid": {"css": ".pid", "type": "text", "required": True},
        "area": {"css": ".area", "type": "number"},
        "rooms": {"css": ".rooms", "type": "number", "pattern": r"(\d+)"},
        "quality": {"css": ".quality", "type": "category"},
    }
    pages = {
        "home": {"url": "^/homes/", "fields": fields},
        "list": {"url": "^/list", "follow": [{"css": "a"}]},
    }
    path = folder / "site.yaml"
    document = {"name": "homes", "base_url": web.url, "start": ["/list"], "key": "pid", "pages": pages}
    path.write_text(yaml.safe_dump(document | {"crawl": {"retries": 0, "timeout_s": 2}}))
    return path


@pytest.fixture(scope="module")
def web() -> Iterator[FaultSite]:
    site = FaultSite(10)
    site.route("/robots.txt", answer("User-agent: *\nDisallow: /homes/secret"))
    site.route("/homes/7", answer(HOME))
    site.route("/homes/old", answer("", "301 Moved", Location="/homes/7"))
    site.route("/homes/out", answer("", "302 Found", Location="http://127.0.0.1:1/homes/7"))
    site.route("/homes/odd", answer("<p>Nothing for sale"))
    yield site
    site.close()


@pytest.fixture
def pages(web: FaultSite, models_folder: Path, tmp_path: Path, starting: Any) -> Any:
    return starting(models_folder, site=str(spec(web, tmp_path)))


def ask(running: Any, document: Any, model: str = "price") -> requests.Response:
    return requests.post(f"{running.url}/models/{model}/predict-url", json=document, timeout=30)


def test_a_page_becomes_an_answer(pages: Any, web: FaultSite, small: Any) -> None:
    found = ask(pages, {"url": f"{web.url}/homes/7", "explain": True}).json()
    assert found["records"] == [{"area": 80.5, "rooms": 3.0, "quality": "Good"}]
    assert found["predictions"] == [{"price": small.price(80.5, 3, "Good", 2000.0)}]
    assert set(found["explanations"][0]["price"]["contributions"]) == {"area", "rooms", "quality"}
    moved = requests.post(
        f"{pages.url}/models/price/versions/1/predict-url", json={"url": f"{web.url}/homes/old"}, timeout=30
    ).json()
    assert (moved["version"], moved["predictions"]) == (1, [{"price": small.price(80.5, 3, "Good")}])
    for place, said in {
        "/homes/secret": "refuses it",
        "/homes/none": "expected a page, got 404",
        "/homes/out": "a redirect to http://127.0.0.1:1/homes/7",
        "/homes/odd": "expected 'pid'",
        "/list": "expected the URL of a page with records",
    }.items():
        refused = ask(pages, {"url": web.url + place})
        assert (refused.status_code, said in refused.json()["error"]) == (400, True), refused.text
    assert "/homes/secret" not in web.requests
    for url in ("http://127.0.0.1:1/homes/1", "http://169.254.169.254/homes/1", "file:///etc/passwd", 7):
        assert ask(pages, {"url": url}).status_code == 400
    for document in ({}, {"url": f"{web.url}/homes/7", "more": 1}, {"url": web.url, "explain": 1}):
        assert ask(pages, document).status_code == 400
    assert ask(pages, {"url": f"{web.url}/homes/7"}, "ranged").status_code == 415


def test_without_a_site_nothing_is_fetched(service: Any, web: FaultSite) -> None:
    refused = ask(service, {"url": f"{web.url}/homes/7"})
    assert (refused.status_code, "--site" in refused.json()["error"]) == (403, True)


def test_a_spec_that_cannot_be_used_is_said(models_folder: Path, tmp_path: Path, starting: Any) -> None:
    running = starting(models_folder, site=str(tmp_path / "none.yaml"))
    assert "expected a site spec to read" in running.process.communicate(timeout=20)[1]
