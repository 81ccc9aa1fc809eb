"""URLs: the one spelling that stands for a page, links made absolute, what is of the site and what is not."""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from urllib.parse import parse_qsl, urldefrag, urljoin, urlsplit, urlunsplit

from w3lib.url import canonicalize_url, safe_url_string

_DEFAULT_PORTS = {"http": 80, "https": 443}
_SESSION = re.compile(r";jsessionid=[^/?#;]*", re.IGNORECASE)
# What most links look like: such a path is the same however it is written, and only its host needs a look.
_PLAIN_PATH = re.compile(r"(?:/[A-Za-z0-9_-][A-Za-z0-9_.-]*)+/?")
_PLAIN_URL = re.compile(rf"(https?://[A-Za-z0-9.:-]+)({_PLAIN_PATH.pattern})")
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.:-]+(?=/)")
TRACKING = (
    "utm_*",
    "gclid",
    "dclid",
    "fbclid",
    "msclkid",
    "mc_cid",
    "mc_eid",
    "phpsessid",
    "jsessionid",
    "sessionid",
)
"""Query keys that tell where a visitor came from, or who that is, and not which page it is."""


def absolute(link: str, base: str, *, drop_query: Sequence[str] = ()) -> str | None:
    """The URL that a link on the page `base` leads to, or None when it is broken or not http(s).

    It is percent-encoded as browsers do; the fragment and the query keys that match a glob pattern of
    `drop_query` (in whatever case) are left out, and so is a `;jsessionid=` of the path.
    """
    if _PLAIN_PATH.fullmatch(link):
        origin = _origin(base)
        return None if origin is None else origin + link
    return _absolute(link, base, drop_query)


@lru_cache(maxsize=64)
def _origin(base: str) -> str | None:
    """Scheme, host and port of what is linked to from a page."""
    url = _absolute("/", base, ())
    return None if url is None else url.removesuffix("/")


def _absolute(link: str, base: str, drop_query: Sequence[str]) -> str | None:
    try:
        url = safe_url_string(urldefrag(urljoin(base, link.strip())).url)
        url = _SESSION.sub("", url) if ";" in url else url
        parts = urlsplit(url)
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or parts.port == 0:
            return None
    except ValueError:
        return None
    if not parts.query or not drop_query:
        return url
    kept = [pair for pair in parts.query.split("&") if not _dropped(pair, drop_query)]
    return urlunsplit(parts._replace(query="&".join(kept)))


def _dropped(pair: str, patterns: Sequence[str]) -> bool:
    key = next(iter(parse_qsl(pair, keep_blank_values=True)), ("", ""))[0]
    return any(fnmatchcase(key.lower(), pattern.lower()) for pattern in patterns)


def canonical(url: str, *, drop_query: Sequence[str] = ()) -> str:
    """The one spelling of an http(s) URL: two URLs of one page come out the same; idempotent; never raises.

    Host in lower case, no default port, no dot segments, no fragment, query sorted, cleaned as in `absolute`.
    """
    plain = _PLAIN_URL.fullmatch(url)
    if plain is not None:
        return _canonical(plain[1] + "/", ()).removesuffix("/") + plain[2]
    return _canonical(url, tuple(drop_query))


@lru_cache(maxsize=8192)  # a crawl asks for the same few again and again
def _canonical(url: str, drop_query: tuple[str, ...]) -> str:
    try:
        cleaned = canonicalize_url(absolute(url, url, drop_query=drop_query) or url)
        parts = urlsplit(cleaned)
        port = "" if parts.port in {None, _DEFAULT_PORTS.get(parts.scheme)} else f":{parts.port}"
    except ValueError:
        return url
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    return urlunsplit((parts.scheme, host + port, _without_dots(parts.path), parts.query, ""))


def _without_dots(path: str) -> str:
    """The path with `.` and `..` resolved (RFC 3986, 5.2.4); never empty."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments and segments[-1] in {".", ".."}:
        kept.append("")
    return "/" + "/".join(kept)


def same_host(url: str, base_url: str) -> bool:
    """Whether both URLs have the same scheme, host and port."""
    return _place(url) == _place(base_url)


def _place(url: str) -> tuple[str, str | None, int | None]:
    origin = _ORIGIN.match(url)
    return _place_of(url if origin is None else origin[0])


@lru_cache(maxsize=256)
def _place_of(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _DEFAULT_PORTS.get(parts.scheme)
