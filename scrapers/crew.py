"""The threads of a crawl that fetch: each answer is judged and packed there, the crawl only appends."""

import threading
import time
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Self

from scrapers.fetch import Fetcher
from scrapers.fetched import Fetched
from scrapers.frontier import Link
from scrapers.previous import Known
from scrapers.verdict import Judge
from scrapers.warc_records import Packed, pack_exchange, pack_not_modified


@dataclass(frozen=True)
class Task:
    """A page to ask for; `known` is what the crawl before had of it, `began` when it was asked for."""

    link: Link
    began: float
    known: Known | None = None


@dataclass(frozen=True)
class Arrival:
    """What came of a task, its WARC records, and the seconds that it took."""

    task: Task
    fetched: Fetched
    packed: Packed | None
    took_s: float
    broken: BaseException | None = None


class Crew:
    """A context manager around `size` threads that fetch what they are given."""

    def __init__(self, fetcher: Fetcher, size: int, judge: Judge) -> None:
        self._fetcher, self._judge = fetcher, judge
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()
        self._arrivals: SimpleQueue[Arrival] = SimpleQueue()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(size)]
        self._began: dict[int, float] = {}

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for _ in self._threads:
            self._tasks.put(None)

    @property
    def under_way(self) -> int:
        """How many tasks have not arrived yet."""
        return len(self._began)

    def is_free(self) -> bool:
        """Whether a thread waits for a task."""
        return len(self._began) < len(self._threads)

    def younger(self, seconds: float, now: float) -> int:
        """How many tasks are under way for less than so many seconds."""
        return sum(now - began < seconds for began in self._began.values())

    def give(self, task: Task) -> None:
        """Have a page fetched."""
        self._began[task.link.id] = task.began
        self._tasks.put(task)

    def take(self, wait_s: float) -> Arrival | None:
        """The next that arrives within `wait_s` seconds, or None."""
        try:
            arrival = self._arrivals.get(timeout=wait_s) if wait_s > 0 else self._arrivals.get_nowait()
        except Empty:
            return None
        del self._began[arrival.task.link.id]
        if arrival.broken is not None:
            raise arrival.broken
        return arrival

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            began = time.monotonic()
            try:
                fetched, packed = self._fetch(task)
            except BaseException as error:  # noqa: BLE001 - the crawl must hear of it, whatever it is
                self._arrivals.put(Arrival(task, Fetched(task.link.url), None, 0.0, error))
            else:
                self._arrivals.put(Arrival(task, fetched, packed, time.monotonic() - began))

    def _fetch(self, task: Task) -> tuple[Fetched, Packed | None]:
        known = task.known
        fetched = self._fetcher.once(task.link.url, known.condition if known else None)
        if not fetched.status:
            return fetched, None
        if fetched.status == 304 and known is not None:
            return fetched, Packed(pack_not_modified(fetched, known.at), 0)
        return self._judge.judge(fetched), pack_exchange(fetched)
