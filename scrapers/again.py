"""Pages that another try may better: how often each was tried, and when it is its turn again."""

import heapq
from collections import Counter
from itertools import count

from scrapers.fetch import MAX_RETRY_AFTER_S, backoff
from scrapers.fetched import BUSY_STATUSES, Fetched
from scrapers.frontier import Link

MAX_WAITS = 10  # times that a page may answer with Retry-After
NEVER = float("inf")


class Again:
    """A queue by time. All times are seconds of one monotonic clock, given by the caller."""

    def __init__(self, *, retries: int, backoff_s: float) -> None:
        self._retries, self._backoff_s = retries, backoff_s
        self._queue: list[tuple[float, int, Link]] = []
        self._numbers = count()
        self._tries: Counter[int] = Counter()
        self._waits: Counter[int] = Counter()
        self._given_up: list[Link] = []

    def __len__(self) -> int:
        return len(self._queue)

    def due_s(self, now: float) -> float:
        """In how many seconds the first is due; NEVER when there is none."""
        return self._queue[0][0] - now if self._queue else NEVER

    def pop(self) -> Link:
        """The first."""
        return heapq.heappop(self._queue)[2]

    def push(self, link: Link, when: float) -> None:
        """Have a page tried at that time."""
        heapq.heappush(self._queue, (when, next(self._numbers), link))

    def take(self, link: Link, fetched: Fetched, now: float) -> bool:
        """Whether a page gets another try after this outcome: its time is then kept.

        Where the site says how long to wait, that is waited, and does not count as one of the retries.
        """
        asked, counted = fetched.retry_after_s, self._tries[link.id] - self._waits[link.id]
        if fetched.status in BUSY_STATUSES and asked is not None and self._waits[link.id] < MAX_WAITS:
            self._waits[link.id] += 1
            wait_s = min(asked, MAX_RETRY_AFTER_S)
        elif counted < self._retries:
            wait_s = backoff(counted, self._backoff_s)
        else:
            self._given_up.append(link)
            return False
        self._tries[link.id] += 1
        self.push(link, now + wait_s)
        return True

    def settle(self, link: Link) -> int:
        """Forget a page; how often it was tried again."""
        self._waits.pop(link.id, None)
        return self._tries.pop(link.id, 0)

    def went_well(self) -> None:
        """The site is up: pages given up before are so for their own faults."""
        self._given_up.clear()

    def outage(self, now: float) -> None:
        """The whole site was down: nothing that went wrong counts, and what was given up is tried again."""
        for link in self._given_up:
            self.push(link, now)
        self._given_up.clear()
        self._tries.clear()
        self._waits.clear()
