"""How fast a crawl asks one host: a delay, and as many requests at once as the host answers well."""

from scrapers.fetch import MAX_BACKOFF_S, MAX_RETRY_AFTER_S
from scrapers.fetched import Fetched

FIRST_LIMIT = 2.0
SLOW = 4.0  # times the usual latency: then more at once only queue up at the host
SLOW_AT_LEAST_S = 0.2
BUSY_IN_A_ROW = 3
BAD_IN_A_ROW = 8  # then the site itself may be down, whatever single pages are


class Pace:
    """Additive increase, multiplicative decrease of the requests at once (Chiu & Jain, 1989), 1 to `most`.

    All times are seconds of one monotonic clock, given by the caller. After BAD_IN_A_ROW outcomes that
    another try may better, `in_doubt` asks the caller to see whether the site is up (`outage`, `is_up`).
    """

    def __init__(self, *, most: int, delay_s: float) -> None:
        self._most, self._delay_s = most, delay_s
        self._limit = min(FIRST_LIMIT, most)
        self._next_start, self._paused_until = 0.0, 0.0
        self._usual_s: float | None = None
        self._bad, self._doubt_at = 0, BAD_IN_A_ROW
        self._outages, self._lowered_at = 0, 0.0
        self.good_at: float | None = None

    @property
    def limit(self) -> int:
        """How many requests may be under way."""
        return int(self._limit)

    @property
    def in_doubt(self) -> bool:
        """Whether so many went wrong in a row that the site may be down."""
        return self._bad >= self._doubt_at

    def wait_s(self, now: float, under_way: int) -> float | None:
        """How long to wait before the next request; None: until one that is under way has ended."""
        if under_way >= self.limit:
            return None
        return max(0.0, self._next_start - now, self._paused_until - now)

    @property
    def slow_s(self) -> float:
        """A request that takes longer than this many seconds no longer keeps others from starting."""
        return max(SLOW * (self._usual_s or 0.0), SLOW_AT_LEAST_S)

    def paused_s(self, now: float) -> float:
        """How many seconds of a pause are left."""
        return max(0.0, self._paused_until - now)

    def started(self, now: float) -> None:
        """A request starts."""
        self._next_start = now + self._delay_s

    def ended(self, fetched: Fetched, took_s: float, now: float) -> None:
        """A request has ended; a host that is busy or slow is asked less."""
        if fetched.transient:
            self._bad += 1
            self._lower(now)
            # 429 is about this client, and so about all pages; 503 is when it comes again and again.
            if fetched.retry_after_s is not None and (fetched.status == 429 or self._bad >= BUSY_IN_A_ROW):
                self.pause(now + min(fetched.retry_after_s, MAX_RETRY_AFTER_S))
            return
        self._bad, self._doubt_at, self._outages, self.good_at = 0, BAD_IN_A_ROW, 0, now
        usual = self._usual_s = took_s if self._usual_s is None else 0.9 * self._usual_s + 0.1 * took_s
        if took_s > SLOW * usual and self._limit > FIRST_LIMIT:
            self._lower(now)
        else:
            self._limit = min(self._most, self._limit + 1 / self._limit)

    def outage(self, now: float) -> None:
        """The site is down: wait, longer each time."""
        self._limit = 1.0
        self.pause(now + min(2.0 ** min(self._outages, 10), MAX_BACKOFF_S))
        self._outages += 1

    def is_up(self) -> None:
        """The site is up: what went wrong are single pages, so doubt less soon."""
        self._bad, self._doubt_at = 0, 2 * self._doubt_at

    def pause(self, until: float) -> None:
        """Ask nothing before this time."""
        self._paused_until = max(self._paused_until, until)

    def _lower(self, now: float) -> None:
        """Halve the limit, once for all that was under way when it went wrong."""
        if now - self._lowered_at > (self._usual_s or 0.0):
            self._limit, self._lowered_at = max(1.0, self._limit / 2), now
