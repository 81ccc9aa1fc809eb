"""robots.txt: what the site lets this user agent fetch and how fast (RFC 9309)."""

from dataclasses import dataclass

from protego import Protego

MAX_BYTES = 500 * 1024  # what RFC 9309 (2.5) asks a crawler to read at least


@dataclass(frozen=True)
class Robots:
    """The rules of one host for one user agent; `rules` None means that nothing may be fetched."""

    rules: Protego | None
    user_agent: str

    def allows(self, url: str) -> bool:
        """Whether this user agent may fetch the URL."""
        return self.rules is not None and bool(self.rules.can_fetch(url, self.user_agent))

    @property
    def delay_s(self) -> float:
        """The Crawl-delay asked for, in seconds; 0 when none is."""
        return float((self.rules and self.rules.crawl_delay(self.user_agent)) or 0.0)


def read_robots(status: int, body: bytes, user_agent: str) -> Robots:
    """The rules that an answer to /robots.txt means.

    2xx: what it says. 5xx and 429: nothing may be fetched. Anything else (no such file): everything may.
    """
    token = user_agent.partition("/")[0].strip() or user_agent
    if status >= 500 or status == 429:
        return Robots(None, token)
    text = body[:MAX_BYTES].decode("utf-8-sig", "replace") if 200 <= status < 300 else ""
    return Robots(Protego.parse(text), token)
