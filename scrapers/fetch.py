"""Fetching over HTTP: one pooled session, a polite pace, retries with backoff and Retry-After, limits."""

import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, MaxRetryError
from urllib3.util.retry import Retry

from scrapers.body import ACCEPT_ENCODING, decode
from scrapers.urls import absolute, same_host

RETRY_STATUSES = frozenset({429, 500, 502, 503, 504})
REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})
MAX_BACKOFF_S = 30.0
MAX_RETRY_AFTER_S = 120
_CHUNK = 64 * 1024


@dataclass(frozen=True)
class Fetched:
    """What came of one request: an answer as it was on the wire, or why there is none.

    `status` is 0 without an answer. `body` is still content-encoded (transfer encoding undone); `content` is
    the decoded one. `error` is empty when the page was had; else one line that says why not.
    """

    url: str
    status: int = 0
    reason: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    request_headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    content: bytes = b""
    retries: int = 0
    error: str = ""

    def header(self, name: str) -> str:
        """The first header of that name, or an empty text."""
        return next((value for key, value in self.headers if key.lower() == name), "")

    @property
    def location(self) -> str:
        """Where a redirect leads, as the server wrote it; empty for any other answer."""
        return self.header("location") if self.status in REDIRECT_STATUSES else ""


class Fetcher:
    """A pooled HTTP session for one host; `get` may be called from several threads.

    At least `delay_s` lies between the starts of two requests (it may be raised later, by robots.txt). A
    request is tried again up to `retries` times after connection errors, broken bodies and statuses 429, 500,
    502, 503, 504, waiting `backoff_s` doubled each time, or what Retry-After says.
    """

    def __init__(
        self,
        base_url: str,
        *,
        user_agent: str,
        delay_s: float = 0.0,
        timeout_s: float = 10.0,
        retries: int = 4,
        backoff_s: float = 0.2,
        max_bytes: int = 16 * 2**20,
        connections: int = 4,
    ) -> None:
        self.delay_s = delay_s
        self._base_url, self._timeout_s, self._max_bytes = base_url, timeout_s, max_bytes
        self._retries, self._backoff_s = retries, backoff_s
        self._lock, self._next_start = threading.Lock(), 0.0
        retry = Retry(
            total=retries,
            backoff_factor=backoff_s,
            backoff_max=MAX_BACKOFF_S,
            status_forcelist=RETRY_STATUSES,
            allowed_methods=frozenset({"GET"}),
            raise_on_status=False,
            retry_after_max=MAX_RETRY_AFTER_S,
        )
        self._session = requests.Session()
        adapter = HTTPAdapter(pool_connections=1, pool_maxsize=connections, max_retries=retry)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)
        self._session.headers.update({"User-Agent": user_agent, "Accept-Encoding": ACCEPT_ENCODING})
        # A proxy is for the network; this machine's own server is not behind one.
        self._session.trust_env = urlsplit(base_url).hostname not in {"127.0.0.1", "localhost", "::1"}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    def pace(self) -> None:
        """Wait for this caller's turn, `delay_s` after the turn before."""
        with self._lock:
            start = max(time.monotonic(), self._next_start)
            self._next_start = start + self.delay_s
        time.sleep(max(0.0, start - time.monotonic()))

    def get(self, url: str) -> Fetched:
        """Fetch one URL; redirects are answers, not followed. Never raises for what the network does."""
        for attempt in range(self._retries + 1):
            self.pace()
            try:
                return self._get_once(url, attempt)
            except (HTTPError, ValueError) as error:
                broken = Fetched(url, retries=attempt, error=_cause(error))
            except requests.RequestException as error:
                return Fetched(url, retries=self._retries, error=_cause(error))
            if broken.error.startswith("body over"):
                break
            time.sleep(min(self._backoff_s * 2**attempt, MAX_BACKOFF_S))
        return broken

    def follow(self, url: str, *, max_redirects: int = 5) -> Fetched:
        """Fetch one URL and go where redirects lead on the same host."""
        fetched = self.get(url)
        for _ in range(max_redirects):
            target = absolute(fetched.location, fetched.url) if fetched.location else None
            if target is None or not same_host(target, self._base_url):
                break
            fetched = self.get(target)
        return fetched

    def _get_once(self, url: str, attempt: int) -> Fetched:
        with self._session.get(url, timeout=self._timeout_s, stream=True, allow_redirects=False) as response:
            raw = response.raw
            body = bytearray()
            for chunk in raw.stream(_CHUNK, decode_content=False):
                body += chunk
                if len(body) > self._max_bytes:
                    raise ValueError(f"body over {self._max_bytes:,} bytes")
            retries = attempt + (len(raw.retries.history) if raw.retries else 0)
            encoding = response.headers.get("Content-Encoding", "")
            return Fetched(
                url,
                status=response.status_code,
                reason=response.reason or "",
                headers=tuple(raw.headers.iteritems()),
                request_headers=tuple((key, str(value)) for key, value in response.request.headers.items()),
                body=bytes(body),
                content=decode(bytes(body), encoding, max_bytes=self._max_bytes),
                retries=retries,
                error=status_error(response.status_code, response.reason or "", retries),
            )


def status_error(status: int, reason: str, retries: int = 0) -> str:
    """Why an answer with this status is no page; empty when it is one, or a redirect."""
    if status < 400 and status not in {204, 205}:
        return ""
    tried = f" after {retries} retries" if retries else ""
    return f"{status} {reason}".strip() + tried


def _cause(error: BaseException) -> str:
    """One line about what lies at the bottom of a network error."""
    while (
        isinstance(error, requests.RequestException) and error.args and isinstance(error.args[0], Exception)
    ):
        error = error.args[0]
    if isinstance(error, MaxRetryError) and error.reason is not None:
        error = error.reason
    said = " ".join(str(error).split()).rpartition(": ")[2]
    return said if isinstance(error, ValueError) else f"{type(error).__name__}: {said}"
