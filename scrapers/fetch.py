"""Fetching over HTTP: one exchange within its limits, and with retries where a caller can wait for them."""

import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

import requests
from requests.cookies import RequestsCookieJar, extract_cookies_to_jar, get_cookie_header
from urllib3.exceptions import HTTPError, MaxRetryError

from scrapers.addresses import is_local
from scrapers.body import ACCEPT_ENCODING, TooLargeError, decode
from scrapers.fetched import RETRY_STATUSES, Fetched, named, status_error
from scrapers.transport import Deadlines, ForbiddenAddressError, GuardedAdapter
from scrapers.urls import absolute, same_host

MAX_BACKOFF_S = 30.0
MAX_RETRY_AFTER_S = 120.0
MAX_URL_CHARS = 8192
_CHUNK = 64 * 1024


class Fetcher:
    """Pooled connections to one host; may be called from several threads.

    At least `delay_s` lies between the starts of two requests of `get` (it may be raised later, by
    robots.txt). `timeout_s` is how long the server may be silent, `total_timeout_s` how long a whole answer
    may take. `get` tries again up to `retries` times, waiting `backoff_s` doubled each time, or what
    Retry-After says. A public `base_url` is never left for a private or loopback address.
    """

    def __init__(
        self,
        base_url: str,
        *,
        user_agent: str,
        delay_s: float = 0.0,
        timeout_s: float = 10.0,
        total_timeout_s: float = 60.0,
        retries: int = 4,
        backoff_s: float = 0.2,
        max_bytes: int = 16 * 2**20,
        connections: int = 4,
        headers: Mapping[str, str] | None = None,
        cookies: Mapping[str, str] | None = None,
    ) -> None:
        self.delay_s = delay_s
        self._base_url, self._max_bytes = base_url, max_bytes
        self._timeout_s, self._total_timeout_s = min(timeout_s, total_timeout_s), total_timeout_s
        self._retries, self._backoff_s = retries, backoff_s
        self._lock, self._next_start = threading.Lock(), 0.0
        private = is_local(base_url)
        self._deadlines = Deadlines()
        self._adapter = GuardedAdapter(self._deadlines, private=private, connections=connections)
        self.cookies = RequestsCookieJar()
        for name, value in (cookies or {}).items():
            self.cookies.set(name, value, domain=urlsplit(base_url).hostname or "")
        session = requests.Session()
        # A proxy is for the network; this machine's own server is not behind one.
        session.trust_env = not private
        session.headers.clear()
        session.headers.update(
            {"User-Agent": user_agent, "Accept-Encoding": ACCEPT_ENCODING, "Accept": "*/*"}
            | dict(headers or {})
        )
        self._template = session.prepare_request(requests.Request("GET", base_url))
        settings = session.merge_environment_settings(base_url, {}, True, None, None)
        self._settings: dict[str, Any] = {name: settings[name] for name in ("verify", "cert", "proxies")}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._adapter.close()
        self._deadlines.close()

    def pace(self) -> None:
        """Wait for this caller's turn, `delay_s` after the turn before."""
        with self._lock:
            start = max(time.monotonic(), self._next_start)
            self._next_start = start + self.delay_s
        time.sleep(max(0.0, start - time.monotonic()))

    def get(self, url: str) -> Fetched:
        """Fetch one URL, again where that may help; redirects are answers, not followed. Never raises."""
        for attempt in range(self._retries + 1):
            self.pace()
            fetched = replace(self.once(url), retries=attempt)
            if not fetched.transient or attempt == self._retries:
                break
            asked = fetched.retry_after_s
            time.sleep(backoff(attempt, self._backoff_s) if asked is None else min(asked, MAX_RETRY_AFTER_S))
        return named(fetched)

    def follow(self, url: str, *, max_redirects: int = 5) -> Fetched:
        """Fetch one URL and go where redirects lead on the same host."""
        fetched = self.get(url)
        for _ in range(max_redirects):
            target = absolute(fetched.location, fetched.url) if fetched.location else None
            if target is None or not same_host(target, self._base_url):
                break
            fetched = self.get(target)
        return fetched

    def once(self, url: str, headers: Mapping[str, str] | None = None) -> Fetched:
        """Ask for one URL once, with further `headers`. Never raises for what the network does."""
        request = self._template.copy()
        request.url = url
        request.headers.update(headers or {})
        return self._send(request)

    def post(self, url: str, form: Mapping[str, str]) -> Fetched:
        """Send a form once."""
        request = self._template.copy()
        request.method, request.url = "POST", url
        request.headers["Content-Type"] = "application/x-www-form-urlencoded"
        request.prepare_body(urlencode(form).encode(), None)
        return self._send(request)

    def _send(self, request: requests.PreparedRequest) -> Fetched:
        url = str(request.url)
        if len(url) > MAX_URL_CHARS:
            return Fetched(
                url, error=f"URL of {len(url):,} characters, at most {MAX_URL_CHARS:,} are asked for"
            )
        cookie = get_cookie_header(self.cookies, request) if len(self.cookies) else None  # type: ignore[no-untyped-call]
        if cookie:
            request.headers["Cookie"] = cookie
        with self._deadlines.within(self._total_timeout_s) as exchange:
            try:
                fetched = self._receive(request)
                if not exchange.late:
                    return fetched
                # A head that was cut off reads like a whole one.
                raise ValueError("late")
            except (TooLargeError, ForbiddenAddressError) as error:
                return Fetched(url, error=str(error))
            except (HTTPError, ValueError, OSError) as error:
                late = f"no whole answer within {self._total_timeout_s:g} s"
                return Fetched(url, error=late if exchange.late else _cause(error), transient=True)

    def _receive(self, request: requests.PreparedRequest) -> Fetched:
        raw = self._adapter.ask(request, timeout_s=self._timeout_s, settings=self._settings)
        whole = False
        try:
            body = _read(raw, raw.headers.get("Content-Length", ""), self._max_bytes)
            if "Set-Cookie" in raw.headers:
                extract_cookies_to_jar(self.cookies, request, raw)  # type: ignore[no-untyped-call]
            encoding = raw.headers.get("Content-Encoding", "")
            content = decode(body, encoding, max_bytes=self._max_bytes)
            whole = True
        finally:
            # What is left of an answer that went wrong must not be taken for the next one.
            raw.release_conn() if whole else raw.close()
        status, reason = raw.status, raw.reason or ""
        error = status_error(status, reason) or ("" if content or status != 200 else "200 with an empty body")
        return Fetched(
            str(request.url),
            method=str(request.method),
            status=status,
            reason=reason,
            headers=tuple(raw.headers.iteritems()),
            request_headers=tuple((key, str(value)) for key, value in request.headers.items()),
            body=body,
            content=content,
            error=error,
            transient=bool(error) and (status in RETRY_STATUSES or status == 200),
        )


def _read(raw: Any, declared: str, max_bytes: int) -> bytes:
    """An answer's body. Raises TooLargeError, and ValueError when it is longer than it says."""
    if declared.isdigit() and int(declared) > max_bytes:
        raise TooLargeError(f"body over {max_bytes:,} bytes ({int(declared):,})")
    if declared.isdigit() and not raw.chunked:
        return _read_declared(raw, int(declared))
    body = bytearray()
    for chunk in raw.stream(_CHUNK, decode_content=False):
        body += chunk
        if len(body) > max_bytes:
            raise TooLargeError(f"body over {max_bytes:,} bytes")
    return bytes(body)


def _read_declared(raw: Any, size: int) -> bytes:
    """A body of `size` bytes; a look before its last byte shows whether the server has sent more."""
    stream = getattr(getattr(raw, "_fp", None), "fp", None)
    body = raw.read(size - 1, decode_content=False) if size > 1 else b""
    more = len(stream.peek(2)) if stream is not None and size else 0
    body += raw.read(decode_content=False)
    if more > 1:
        raise ValueError(f"body longer than its Content-Length of {size} bytes")
    return bytes(body)


def backoff(attempt: int, backoff_s: float) -> float:
    """Seconds to wait after the attempt of this number, from 0."""
    return float(min(backoff_s * 2**attempt, MAX_BACKOFF_S))


def _cause(error: BaseException) -> str:
    """One line about what lies at the bottom of a network error."""
    while isinstance(error, requests.RequestException | MaxRetryError):
        inner = error.reason if isinstance(error, MaxRetryError) else next(iter(error.args), None)
        if not isinstance(inner, Exception):
            break
        error = inner
    said = " ".join(str(error).split()).rpartition(": ")[2]
    return said if type(error) is ValueError else f"{type(error).__name__}: {said}"
