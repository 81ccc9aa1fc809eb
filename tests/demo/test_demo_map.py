"""The neighborhood map as a real browser draws it."""

import re
import threading
from collections.abc import Iterator

import pytest

from demo.routes import Routes
from demo.sales import read_homes
from demo.server import Server
from demo.site import Site
from scrapers.browser import Browser
from scrapers.errors import ScrapeError

COMPLETE = "#map[data-complete='true']"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = Server(0)
    server.answering = Routes(Site(read_homes(), server.url)).answer
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server.url
    server.shutdown()
    server.server_close()
    thread.join(timeout=5)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser(user_agent="millrace-test", hosts=["127.0.0.1"]) as opened:
        yield opened


def test_scrolling_draws_every_home(url: str, browser: Browser) -> None:
    html = browser.render(f"{url}/neighborhoods/old-town", wait_for=COMPLETE, scroll=True)
    pids = re.findall(r'class="pin" data-pid="(\d+)"', html)
    assert set(pids) == {home.pid for home in read_homes() if home.codes["neighborhood"] == "OldTown"}
    assert len(pids) == html.count("<circle") == 239
    assert "All 239 homes" in html


def test_without_scrolling_only_the_first_homes_are_there(url: str, browser: Browser) -> None:
    page = f"{url}/neighborhoods/old-town"
    with pytest.raises(ScrapeError, match="to match within"):
        browser.render(page, wait_for=COMPLETE, timeout_s=0.7)
    html = browser.render(page, wait_for="#map .pin")
    assert 0 < html.count('class="pin"') < 239
