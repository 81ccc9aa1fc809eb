"""What came of a request: an answer as it was on the wire, or why there is none."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

RETRY_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})
BUSY_STATUSES = frozenset({429, 503})


@dataclass(frozen=True)
class Fetched:
    """What came of one request: an answer as it was on the wire, or why there is none.

    `status` is 0 without an answer. `body` is still content-encoded (transfer encoding undone); `content` is
    the decoded one. `error` is empty when the page was had; else one line that says why not, and `transient`
    says whether another try may have it.
    """

    url: str
    method: str = "GET"
    status: int = 0
    reason: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    request_headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    content: bytes = b""
    retries: int = 0
    error: str = ""
    transient: bool = False

    def header(self, name: str) -> str:
        """The first header of that name, or an empty text."""
        return next((value for key, value in self.headers if key.lower() == name), "")

    @property
    def location(self) -> str:
        """Where a redirect leads, as the server wrote it; empty for any other answer."""
        return self.header("location") if self.status in REDIRECT_STATUSES else ""

    @property
    def retry_after_s(self) -> float | None:
        """The seconds that Retry-After asks for (RFC 9110, 10.2.3: seconds or a date); None without one."""
        return retry_after(self.header("retry-after"), datetime.now(UTC))


def status_error(status: int, reason: str) -> str:
    """Why an answer with this status is no page; empty when it is one, or a redirect, or 304."""
    if status < 400 and status not in {204, 205}:
        return ""
    return f"{status} {reason}".strip()


def named(fetched: Fetched) -> Fetched:
    """The outcome, whose error says how often it was tried."""
    tries = f" after {fetched.retries} retries" if fetched.error and fetched.retries else ""
    return replace(fetched, error=fetched.error + tries) if tries else fetched


def retry_after(value: str, now: datetime) -> float | None:
    """What a Retry-After header asks for, in seconds from `now`; None when it cannot be read."""
    if value.strip().isascii() and value.strip().isdigit():
        return float(value[:12])
    try:
        then = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (then.replace(tzinfo=then.tzinfo or UTC) - now).total_seconds())
