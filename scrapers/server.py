"""A site's own local server: started before the crawl, ended with it, never left behind."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urljoin, urlsplit

import requests

from scrapers.errors import PortTakenError, ServerError
from scrapers.guard import Guarded
from scrapers.spec import Site

_POLL_S = 0.05
_FREE_TIMEOUT_S = 2.0


@contextmanager
def running(site: Site) -> Iterator[None]:
    """Run the spec's local server, if it names one, until the block ends; entered when the server is ready.

    Raises PortTakenError when something else listens there, ServerError when the server is not ready in time.
    """
    if site.server is None:
        yield
        return
    if not _free_soon(site):
        raise PortTakenError(
            f"port {site.port} is taken by another process, but {site.name}'s own server is to listen there: "
            "end that process, or set another port in the spec's base_url"
        )
    with Guarded(site.server.filled(site.port)) as server:
        _wait_until_ready(site, server)
        yield


def is_ready(site: Site) -> bool:
    """Whether the site's own server runs and answers 200 where the spec says."""
    if site.server is None:
        return False
    session = requests.Session()
    session.trust_env = False
    try:
        with session.get(urljoin(site.base_url + "/", site.server.ready), timeout=2, stream=True) as answer:
            return answer.status_code == 200
    except requests.RequestException:
        return False


def _free_soon(site: Site) -> bool:
    """Whether nothing listens on the port, now or as soon as the server of a crawl just killed has ended."""
    deadline = time.monotonic() + _FREE_TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            socket.create_connection((urlsplit(site.base_url).hostname or "", site.port), timeout=1).close()
        except OSError:
            return True
        time.sleep(_POLL_S)
    return False


def _wait_until_ready(site: Site, server: Guarded) -> None:
    assert site.server is not None
    deadline = time.monotonic() + site.server.start_timeout_s
    while not is_ready(site):
        late = time.monotonic() > deadline
        if late or server.ended:
            what = f"was not ready within {site.server.start_timeout_s:g} s" if late else "ended at once"
            said = (server.output().strip().splitlines() or ["no output"])[-1]
            command = " ".join(site.server.filled(site.port))
            raise ServerError(f"{site.name}'s server {what}: {said} (try it by hand: {command})")
        time.sleep(_POLL_S)
