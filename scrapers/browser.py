"""A headless browser for pages that draw themselves: started fresh, waiting on conditions, always reaped."""

import os
import re
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from selenium import webdriver
from selenium.common.exceptions import TimeoutException, WebDriverException
from selenium.webdriver.common.proxy import Proxy, ProxyType
from selenium.webdriver.remote.client_config import ClientConfig
from selenium.webdriver.remote.remote_connection import RemoteConnection

from scrapers.browser_paths import (
    NO_STATISTICS,
    WHAT_TO_INSTALL,
    BrowserPaths,
    find_browser,
    managed_browser,
)
from scrapers.errors import BrowserError, RenderError
from scrapers.guard import Guarded

__all__ = ["Browser", "BrowserPaths", "find_browser"]

_START_TIMEOUT_S = 30.0
_POLL_S = 0.02
_SWITCHES = (
    "--headless=new",
    "--window-size=1280,1600",
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-component-update",
    "--disable-crash-reporter",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-gpu",
    "--disable-sync",
    "--mute-audio",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-pings",
)
# One animation frame is one look: does the selector match? If not, scroll on, so that whatever draws itself
# when it comes into view does so. At the bottom, walk again from the top in smaller steps.
_WAIT = """
const [selector, scroll, click, timeoutMs, done] = arguments;
const start = performance.now();
let part = 0.8, bottomSince = null, height = 0, size = -1, clicked = 0, idle = 0;
function more() {
  const button = click && document.querySelector(click);
  if (!button || button.disabled || !button.offsetParent) return false;
  const now = document.body.getElementsByTagName("*").length;
  // Once more when the last click has brought something, or has had its time; not when two brought nothing.
  if (now !== size || performance.now() - clicked > 2000) {
    idle = now === size ? idle + 1 : 0;
    if (idle > 1) return false;
    size = now;
    clicked = performance.now();
    button.scrollIntoView();
    button.click();
  }
  return true;
}
function look() {
  if (!more() && document.querySelector(selector)) return done(true);
  if (performance.now() - start > timeoutMs) return done(false);
  const page = document.scrollingElement;
  if (scroll && page) {
    const atBottom = page.scrollTop + innerHeight >= page.scrollHeight - 1;
    if (!atBottom || page.scrollHeight !== height) bottomSince = null;
    else if (bottomSince === null) bottomSince = performance.now();
    height = page.scrollHeight;
    if (bottomSince !== null && performance.now() - bottomSince > 500) {
      part = Math.max(part / 2, 0.05);
      bottomSince = null;
      scrollTo(0, 0);
    } else scrollBy(0, innerHeight * part);
  }
  requestAnimationFrame(look);
}
look();
"""


class Browser:
    """A context manager around one headless browser with a fresh profile, removed afterwards.

    It reaches `hosts` (names or addresses) and nothing else. Raises BrowserError when no browser can be had.
    """

    def __init__(
        self, *, user_agent: str, hosts: Sequence[str], start_timeout_s: float = _START_TIMEOUT_S
    ) -> None:
        self._user_agent, self._hosts, self._start_timeout_s = user_agent, tuple(hosts), start_timeout_s
        self._profile = Path()
        self._process: Guarded | None = None
        self._driver: webdriver.Remote | None = None

    def __enter__(self) -> Self:
        paths = find_browser() or managed_browser()
        self._profile = Path(tempfile.mkdtemp(prefix="millrace-browser-"))
        try:
            # The driver and all that it starts live in the guard's process group: none outlives this process.
            # Crash reports, caches and scratch have no switch; they follow these variables into the profile.
            places = dict.fromkeys(("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "TMPDIR"), str(self._profile))
            command = [str(paths.driver), "--port=0"]
            self._process = Guarded(command, scratch=self._profile, environment=places | NO_STATISTICS)
            self._driver = self._connect(paths, self._wait_for_port())
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def version(self) -> str:
        """The browser's name and version, like `chrome 140.0.1`."""
        found = self._ready().capabilities
        return f"{found.get('browserName', 'browser')} {found.get('browserVersion', '')}".strip()

    def render(
        self,
        url: str,
        *,
        wait_for: str,
        scroll: bool = False,
        click: str | None = None,
        timeout_s: float = 30.0,
    ) -> str:
        """Open a page, scroll and click if asked until the CSS selector `wait_for` matches; the DOM then.

        What `click` matches is clicked until it is gone, hidden or disabled.

        Raises RenderError when it does not match within `timeout_s`, or the browser fails.
        """
        driver = self._ready()
        try:
            driver.set_page_load_timeout(timeout_s)
            driver.set_script_timeout(timeout_s + 5)
            driver.get(url)
            if driver.execute_async_script(_WAIT, wait_for, scroll, click, timeout_s * 1000):
                return str(driver.execute_script("return document.documentElement.outerHTML"))
        except TimeoutException:
            pass
        except WebDriverException as error:
            raise RenderError(f"{url}: the browser failed: {_first_line(error)}") from error
        raise RenderError(
            f"{url}: expected {wait_for!r} to match within {timeout_s:g} s in the browser, it did not: "
            "open the page, then mend wait_for or scroll in the spec, or give timeout_s more"
        )

    def close(self) -> None:
        """End the browser and its driver and remove the profile."""
        if self._driver is not None:
            try:
                self._driver.quit()
            except WebDriverException:
                pass  # it is gone already, and its processes are ended below
            finally:
                self._driver = None
        if self._process is not None:
            self._process.stop()
            self._process = None

    def _ready(self) -> webdriver.Remote:
        if self._driver is None:
            raise BrowserError("expected a running browser: use it inside its with block")
        return self._driver

    def _wait_for_port(self) -> int:
        assert self._process is not None
        deadline = time.monotonic() + self._start_timeout_s
        while time.monotonic() < deadline and not self._process.ended:
            found = re.search(r"successfully on port (\d+)", self._process.output())
            if found:
                return int(found[1])
            time.sleep(_POLL_S)
        said = (self._process.output().strip().splitlines() or ["no output"])[-1]
        raise BrowserError(f"the browser's driver did not start: {said}; {WHAT_TO_INSTALL}")

    def _connect(self, paths: BrowserPaths, port: int) -> webdriver.Remote:
        options = webdriver.ChromeOptions()
        options.binary_location = str(paths.binary)
        options.page_load_strategy = "eager"
        hosts = ", ".join(f"EXCLUDE {host}" for host in self._hosts)
        rules = f"--host-resolver-rules=MAP * ~NOTFOUND, {hosts}"
        for switch in (
            *_SWITCHES,
            rules,
            f"--user-data-dir={self._profile}",
            f"--user-agent={self._user_agent}",
        ):
            options.add_argument(switch)
        if os.geteuid() == 0:
            options.add_argument("--no-sandbox")  # Chromium refuses to run as root otherwise
        refused = {"notifications": 2, "geolocation": 2, "automatic_downloads": 2}
        options.add_experimental_option(
            "prefs",
            {
                "download.default_directory": str(self._profile),
                "profile.default_content_setting_values": refused,
            },
        )
        address = ClientConfig(
            f"http://127.0.0.1:{port}", proxy=Proxy(raw={"proxyType": ProxyType.DIRECT}), timeout=120
        )
        try:
            return webdriver.Remote(RemoteConnection(client_config=address), options=options)
        except WebDriverException as error:
            raise BrowserError(
                f"the browser did not start: {_first_line(error)}; {WHAT_TO_INSTALL}"
            ) from error


def _first_line(error: WebDriverException) -> str:
    return (str(error.msg or error).splitlines() or [type(error).__name__])[0]
