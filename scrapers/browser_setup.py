"""Makes sure that a browser and its driver can be had: finds them, else installs them, else says what to do.

Run as `python -m scrapers.browser_setup`; the exit status is 0 when there is a browser.
"""

import os
import shutil
import subprocess
import sys

from scrapers.browser_paths import BrowserPaths, find_browser, managed_browser, named_programs
from scrapers.errors import BrowserError

PACKAGES = ("chromium", "chromium-driver")


def main() -> int:
    """Find or install a browser; one line on what was found, or on what to install."""
    try:
        paths = find_browser() or _installed() or managed_browser()
    except BrowserError as error:
        sys.stderr.write(f"no browser: {error}\n")
        return 1
    sys.stdout.write(f"browser: {paths.binary}, driver: {paths.driver}\n")
    return 0


def _installed() -> BrowserPaths | None:
    """The browser that Debian's packages give, installed now, where that needs no password; else None."""
    apt, root = shutil.which("apt-get"), os.geteuid() == 0
    if apt is None or named_programs() or not (root or _passwordless_sudo()):
        return None
    sys.stderr.write(f"no browser found: installing {' '.join(PACKAGES)} with apt-get\n")
    quiet = ["env", "DEBIAN_FRONTEND=noninteractive", apt, "-y", "-q", "-o", "DPkg::Lock::Timeout=120"]
    for step in (["update"], ["install", "--no-install-recommends", *PACKAGES]):
        command = [*([] if root else ["sudo", "-n"]), *quiet, *step]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            sys.stderr.write(f"apt-get {step[0]} failed: {said}\n")
    return find_browser()


def _passwordless_sudo() -> bool:
    sudo = shutil.which("sudo")
    if sudo is None:
        return False
    return subprocess.run([sudo, "-n", "true"], check=False, capture_output=True).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
