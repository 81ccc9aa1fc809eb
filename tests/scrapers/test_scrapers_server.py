"""A site's own server is up during the block, gone after it, and gone when its user is killed."""

import socket
import subprocess
import sys
import time
from pathlib import Path
from threading import Timer
from typing import Any

import psutil
import pytest
import requests
import yaml

from scrapers import server
from scrapers.errors import PortTakenError, ServerError
from scrapers.guard import Guarded
from scrapers.server import is_ready, running

SERVE = ["{python}", "-m", "http.server", "{port}", "--bind", "127.0.0.1"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def served(web: Any, command: list[str], **changes: Any) -> Any:
    return web.site(base_url=f"http://127.0.0.1:{free_port()}", server={"command": command, **changes})


def test_up_inside_gone_after(web: Any) -> None:
    site = served(web, SERVE)
    assert not is_ready(site)
    with running(site):
        assert is_ready(site)
        assert requests.get(site.base_url, timeout=5).status_code == 200
    assert not is_ready(site)


def test_gone_after_an_error_too(web: Any) -> None:
    site = served(web, SERVE)
    with pytest.raises(KeyboardInterrupt), running(site):
        raise KeyboardInterrupt
    assert not is_ready(site)


def test_a_site_without_a_server_of_its_own(web: Any) -> None:
    with running(web.site()):
        assert not is_ready(web.site())


def test_a_port_that_is_taken(web: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_FREE_TIMEOUT_S", 0.2)
    site = web.site(server={"command": SERVE})
    with pytest.raises(
        PortTakenError, match=rf"port {site.port} is taken by another process.* end that process"
    ):
        running(site).__enter__()


def test_a_port_that_is_free_a_moment_later(web: Any) -> None:
    holder = socket.create_server(("127.0.0.1", 0))
    Timer(0.3, holder.close).start()
    site = web.site(base_url=f"http://127.0.0.1:{holder.getsockname()[1]}", server={"command": SERVE})
    with running(site):
        assert is_ready(site)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["{python}", "-c", "raise SystemExit('no such data')"], "ended at once: no such data"),
        (["no-such-program"], "ended at once: no-such-program: No such file or directory"),
    ],
)
def test_a_server_that_ends_at_once(web: Any, command: list[str], said: str) -> None:
    with pytest.raises(ServerError, match=said) as caught:
        running(served(web, command)).__enter__()
    assert "\n" not in str(caught.value)


def test_a_server_that_is_never_ready(web: Any) -> None:
    site = served(web, ["{python}", "-c", "import time; time.sleep(60)"], start_timeout_s=0.3)
    with pytest.raises(ServerError, match=r"was not ready within 0\.3 s: no output"):
        running(site).__enter__()


def test_stop_ends_grandchildren_and_those_that_ignore_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with Guarded(["sh", "-c", "sleep 77.01 & exec sleep 77.02"]):
        assert _wait_for(lambda: len(_running("77.01")) == 1)
    assert not _running("77.0")


@pytest.mark.slow  # starts processes that import the room
def test_a_killed_users_server_ends(web: Any, tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    port = free_port()
    spec = web.spec(base_url=f"http://127.0.0.1:{port}", server={"command": SERVE})
    site.write_text(yaml.safe_dump(spec))
    code = (
        "import sys, time\nfrom scrapers.server import running\nfrom scrapers.spec import load_site\n"
        "with running(load_site(sys.argv[1])):\n print('up', flush=True)\n time.sleep(60)"
    )
    user = subprocess.Popen([sys.executable, "-c", code, str(site)], stdout=subprocess.PIPE)
    assert user.stdout is not None
    assert user.stdout.readline() == b"up\n"
    user.kill()
    user.wait()
    user.stdout.close()
    assert _wait_for(lambda: not _running(f"http.server {port}"))


def _running(text: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        line = " ".join(process.info["cmdline"] or [])
        if text in line and "guard.py" not in line and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


def _wait_for(condition: Any, timeout_s: float = 10.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False
