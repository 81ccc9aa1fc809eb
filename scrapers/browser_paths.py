"""Where a browser and its driver are on this machine; light, so that looking costs nothing."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from scrapers.errors import BrowserError

BINARY_VARIABLE, DRIVER_VARIABLE = "CHROME_BINARY", "CHROMEDRIVER"
NO_STATISTICS = {"SE_AVOID_STATS": "true"}  # Selenium Manager reports its use otherwise
WHAT_TO_INSTALL = (
    "install Chromium or Chrome and the chromedriver of the same version (Debian: apt-get install chromium "
    f"chromium-driver), or name them in {BINARY_VARIABLE} and {DRIVER_VARIABLE}"
)
_BINARIES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_BINARY_PLACES = (
    "/usr/lib/chromium/chromium",
    "/opt/google/chrome/chrome",
    "/snap/bin/chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
_DRIVERS = ("chromedriver",)
_DRIVER_PLACES = (
    "/usr/lib/chromium/chromedriver",
    "/usr/lib/chromium-browser/chromedriver",
    "/usr/local/bin/chromedriver",
    "/opt/homebrew/bin/chromedriver",
)


@dataclass(frozen=True)
class BrowserPaths:
    """A browser's program and that of its driver."""

    binary: Path
    driver: Path


def find_browser() -> BrowserPaths | None:
    """The browser and driver to use: as the environment names them, else on PATH or in the usual places.

    None when either is not there, also when the environment names a program that does not exist.
    """
    binary = _find(BINARY_VARIABLE, _BINARIES, _BINARY_PLACES)
    driver = _find(DRIVER_VARIABLE, _DRIVERS, _DRIVER_PLACES)
    return BrowserPaths(binary, driver) if binary and driver else None


def named_programs() -> str:
    """What the environment says about browser and driver, as `NAME=value`s; empty when it says nothing."""
    pairs = ((name, os.environ.get(name)) for name in (BINARY_VARIABLE, DRIVER_VARIABLE))
    return " ".join(f"{name}={value}" for name, value in pairs if value)


def managed_browser() -> BrowserPaths:
    """A browser and driver that Selenium Manager has or downloads. Raises BrowserError when it cannot."""
    if named_programs():
        raise BrowserError(
            f"expected a browser and its driver where the environment names them, found none: "
            f"{named_programs()}; {WHAT_TO_INSTALL}"
        )
    from selenium.common.exceptions import WebDriverException  # heavy, and seldom needed
    from selenium.webdriver.common.selenium_manager import SeleniumManager

    try:
        paths = SeleniumManager().binary_paths(["--browser", "chrome", "--avoid-stats"])
    except WebDriverException as error:
        said = " ".join(str(error.msg).split())
        raise BrowserError(
            f"expected a browser and its driver, found none, and Selenium Manager could not get them "
            f"({said:.120}); {WHAT_TO_INSTALL}"
        ) from error
    return BrowserPaths(Path(paths["browser_path"]), Path(paths["driver_path"]))


def _find(variable: str, names: tuple[str, ...], places: tuple[str, ...]) -> Path | None:
    named = os.environ.get(variable)
    candidates = (named,) if named else (*names, *places)
    found = next(filter(None, map(shutil.which, candidates)), None)
    return Path(found) if found else None
