"""A real browser draws pages, waits on conditions, reaches only its hosts, and leaves nothing behind."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from scrapers import browser_setup
from scrapers.browser import Browser, find_browser
from scrapers.browser_paths import BrowserPaths, managed_browser
from scrapers.crawl import crawl
from scrapers.errors import BrowserError, RenderError
from scrapers.parse import parse

SCROLLED = """
<html><head><link rel=canonical href="CANONICAL"></head><body><div id=map></div><script>
// A stretch of the map draws itself when its placeholder comes into view.
const map = document.getElementById('map');
for (let i = 0; i < 6; i++) {
  const part = document.createElement('div');
  part.style.height = '900px';
  map.append(part);
  new IntersectionObserver(async (entries, watch) => {
    if (!entries[0].isIntersecting) return;
    watch.disconnect();
    const [pid, latitude] = await (await fetch('/api/' + i)).json();
    part.innerHTML = `<a class=pin data-pid=${pid}><b>${latitude}</b></a>`;
    if (document.querySelectorAll('.pin').length === 6) map.dataset.complete = 'true';
  }).observe(part);
}
</script></body></html>
"""


def put_map(web: Any, path: str = "/map") -> None:
    web.page(path, SCROLLED.replace("CANONICAL", web.url + path))
    for number in range(6):
        web.page(f"/api/{number}", f'["000{number}", {number + 0.5}]', Content_Type="application/json")


def map_kind(**changes: Any) -> dict[str, Any]:
    fields = {
        "pid": {"css": ":scope", "attr": "data-pid", "type": "text"},
        "latitude": {"css": "b", "type": "number"},
    }
    wait = {"wait_for": "#map[data-complete=true]", "scroll": True}
    return {
        "url": "^/map",
        "browser": wait | changes,
        "rows": {"css": ".pin"},
        "joins": "home",
        "fields": fields,
    }


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser(user_agent="millrace/0.1 (+x)", hosts=["127.0.0.1"]) as running:
        yield running


def test_scrolls_until_the_page_is_complete(web: Any, browser: Browser) -> None:
    put_map(web)
    html = browser.render(web.url + "/map", wait_for="#map[data-complete=true]", scroll=True, timeout_s=20)
    assert html.count('class="pin"') == 6
    assert web.agents == {"millrace/0.1 (+x)"}
    assert browser.version.startswith("chrome")


def test_a_condition_that_never_comes_is_one_line(web: Any, browser: Browser) -> None:
    web.page("/a", "<p>a")
    started = time.monotonic()
    with pytest.raises(RenderError, match=r"/a: expected '\.never' to match within 0\.5 s") as caught:
        browser.render(web.url + "/a", wait_for=".never", timeout_s=0.5)
    assert time.monotonic() - started < 5
    assert "\n" not in str(caught.value)


def test_other_hosts_are_not_reached(web: Any, browser: Browser) -> None:
    port = web.url.rpartition(":")[2]
    tries = "".join(
        f"fetch('http://{host}:{port}/', {{mode: 'no-cors'}}).then(() => say('had'), () => say('refused'));"
        for host in ("localhost", "127.0.0.2")
    )
    web.page(
        "/a",
        "<ul></ul><script>const list = document.querySelector('ul');"
        f"const say = text => list.innerHTML += '<li>' + text;{tries}</script>",
    )
    html = browser.render(web.url + "/a", wait_for="li + li", timeout_s=10)
    assert html.count("<li>refused") == 2


def test_a_page_that_is_not_there(web: Any, browser: Browser) -> None:
    url = web.url
    web.close()
    with pytest.raises(RenderError, match=r"the browser failed: .*ERR_CONNECTION_REFUSED"):
        browser.render(url + "/a", wait_for="p", timeout_s=5)


@pytest.mark.slow  # starts a browser
def test_a_crawl_draws_what_its_spec_marks(web: Any, tmp_path: Path) -> None:
    web.fill(6)
    put_map(web)
    web.page("/list?page=9", "<p>")
    spec = web.spec()
    spec["start"] += ["/map?utm_source=x"]
    site = web.site(**spec | {"pages": spec["pages"] | {"map": map_kind()}})
    report = crawl(site, tmp_path, progress=False)
    assert (report.rendered, report.pages["map"]) == (1, {"200": 1})
    parsed = parse(site, tmp_path / "pages.warc.gz", workers=1, progress=False)
    assert [record["latitude"] for record in parsed.records] == [number + 0.5 for number in range(6)]


@pytest.mark.slow
def test_a_page_that_cannot_be_drawn_fails_the_crawl(web: Any, tmp_path: Path) -> None:
    web.fill(2)
    web.page("/map", "<p>never complete")
    spec = web.spec(start=["/list", "/map"])
    site = web.site(**spec | {"pages": spec["pages"] | {"map": map_kind(timeout_s=0.5)}})
    with pytest.raises(
        BrowserError, match=r"/map: expected '#map\[data-complete=true\]' to match within 0\.5 s"
    ):
        crawl(site, tmp_path, progress=False)
    assert not (tmp_path / "pages.warc.gz").exists()


@pytest.mark.slow
def test_nothing_is_left_of_a_killed_crawls_browser(web: Any, tmp_path: Path) -> None:
    web.fill(2)
    web.page("/map", "<p>never complete")
    spec = web.spec(start=["/list", "/map"])
    spec["pages"]["map"] = map_kind()
    (tmp_path / "site.yaml").write_text(yaml.safe_dump(spec))
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from scrapers.crawl import crawl\nfrom scrapers.spec import load_site\n"
        "crawl(load_site(sys.argv[1]), Path(sys.argv[2]), progress=False)"
    )
    user = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "site.yaml"), str(tmp_path)])
    while web.count("/map") < 2:
        time.sleep(0.05)
    started = {child.pid for child in psutil.Process(user.pid).children(recursive=True)}
    assert len(started) > 3
    user.kill()
    user.wait()
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline and any(map(psutil.pid_exists, started)):
        time.sleep(0.05)
    assert not any(map(psutil.pid_exists, started))


def test_no_browser_is_one_line_before_anything_is_fetched(
    web: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CHROME_BINARY", "/nowhere/chrome")
    assert find_browser() is None
    web.fill(2)
    spec = web.spec()
    site = web.site(pages=spec["pages"] | {"map": map_kind()})
    with pytest.raises(
        BrowserError, match=r"CHROME_BINARY=/nowhere/chrome; install Chromium or Chrome"
    ) as caught:
        crawl(site, tmp_path, progress=False)
    assert "\n" not in str(caught.value)
    assert web.requests == []
    assert browser_setup.main() == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_setup_finds_the_browser_quickly(capsys: pytest.CaptureFixture[str]) -> None:
    paths = find_browser()
    assert paths is not None
    assert browser_setup.main() == 0
    assert str(paths.driver) in capsys.readouterr().out


def put_program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_selenium_manager_is_told_to_send_no_statistics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = '{"logs": [], "result": {"browser_path": "/b", "driver_path": "/d"}}'
    put_program(tmp_path / "manager", f"echo \"$@\" > {tmp_path}/asked; echo '{answer}'")
    monkeypatch.setenv("SE_MANAGER_PATH", str(tmp_path / "manager"))
    monkeypatch.delenv("CHROME_BINARY", raising=False)
    monkeypatch.delenv("CHROMEDRIVER", raising=False)
    assert managed_browser() == BrowserPaths(Path("/b"), Path("/d"))
    assert "--avoid-stats" in (tmp_path / "asked").read_text().split()


def test_the_driver_starts_with_statistics_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_program(tmp_path / "driver", f"env > {tmp_path}/environment; echo broken")
    monkeypatch.setenv("CHROMEDRIVER", str(tmp_path / "driver"))
    monkeypatch.delenv("SE_AVOID_STATS", raising=False)
    with (
        pytest.raises(BrowserError, match=r"driver did not start: broken; install Chromium") as caught,
        Browser(user_agent="x", hosts=["127.0.0.1"]),
    ):
        pass
    assert "\n" not in str(caught.value)
    assert "SE_AVOID_STATS=true" in (tmp_path / "environment").read_text().splitlines()
