"""The requests that wait for one version of a model, and the runs that answer several of them at once."""

import asyncio
import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import accumulate
from time import perf_counter
from typing import Protocol

import numpy as np

from serving.errors import BusyError, DeadlineError, InvalidInputError
from serving.infer_request import Arrays
from serving.metrics import Metrics
from serving.model import Model

Key = tuple[tuple[str, ...], tuple[tuple[int, ...], ...]]
Outcome = list[Arrays | Exception]
HAND_OVER_S = 0.0002
"""What handing a run to a thread and its answers back takes, at most."""


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True)
class Limits:
    """Of one model: requests that may wait, rows gathered in a run, runs side by side, seconds of waiting."""

    waiting: int = 1024
    rows_a_run: int = 256
    runs: int = field(default_factory=cores)
    wait_s: float = 30.0


class Waiter(Protocol):
    """Who is told what came of a request; a future is one."""

    def done(self) -> bool:
        """Whether it needs no answer any more."""

    def set_result(self, result: Arrays, /) -> None:
        """Take the answer."""

    def set_exception(self, exception: Exception, /) -> None:
        """Take the error."""


@dataclass(slots=True)
class Trace:
    """When a request was queued and run, as `perf_counter` has it, its rows and those of all in its run."""

    queued: float = 0.0
    began: float = 0.0
    ended: float = 0.0
    rows: int = 0
    run_rows: int = 0


traced: ContextVar[Trace | None] = ContextVar("traced", default=None)
"""What the request that is being queued shall tell of its run, if that is asked."""


@dataclass(slots=True)
class Waiting:
    """A request in the queue; only those of one `key` (outputs wanted, shapes of a row) share a run."""

    arrays: Arrays
    outputs: tuple[str, ...]
    rows: int
    wait_s: float
    deadline: float
    waiter: Waiter
    key: Key
    trace: Trace | None


class Lane:
    """One model's queue; all but long runs happens on the event loop. `ended` is called when it is empty."""

    def __init__(
        self,
        model: Model,
        pool: ThreadPoolExecutor,
        limits: Limits,
        metrics: Metrics,
        ended: Callable[[Model], object],
    ) -> None:
        self.model, self.limits, self._metrics = model, limits, metrics
        self._pool, self._ended = pool, ended
        self._loop = asyncio.get_running_loop()
        self._queue: deque[Waiting] = deque()
        self._running = 0
        self._due = False
        self._over = False

    def add(self, waiter: Waiter, arrays: Arrays, outputs: tuple[str, ...], rows: int, wait_s: float) -> None:
        """Queue a request, to run when this pass of the event loop ends. Raises BusyError when full."""
        if len(self._queue) >= self.limits.waiting:
            self._queue = deque(each for each in self._queue if not each.waiter.done())
        if len(self._queue) >= self.limits.waiting:
            raise busy(len(self._queue))
        trace = traced.get()
        if trace is not None:
            trace.queued, trace.rows = perf_counter(), rows
        key = (outputs, tuple([arrays[name].shape[1:] for name in self.model.flexible]))
        self._queue.append(
            Waiting(arrays, outputs, rows, wait_s, self._loop.time() + wait_s, waiter, key, trace)
        )
        if not self._due:
            self._due = True
            self._loop.call_soon(self._go_on)

    @property
    def waiting(self) -> int:
        """How many requests wait for their run."""
        return len(self._queue)

    def _go_on(self) -> None:
        """Run for the next requests that may share a run, and again in each pass while there are more."""
        self._due = False
        self._answer()
        if self._queue and self._running < self.limits.runs and not self._due:
            self._due = True
            self._loop.call_soon(self._go_on)
        self._settle()

    def _answer(self) -> None:
        """Run the graph for the next requests that may share a run, here or in the pool, if one is free."""
        if not self._queue or self._running >= self.limits.runs:
            return
        batch = self._take()
        if not batch:
            return
        rows = sum([each.rows for each in batch])
        self._metrics.ran(self.model.label, len(batch), rows)
        if self._runs_here(rows):
            self._tell(batch, run(self.model, batch))
        else:
            self._running += 1
            self._pool.submit(self._run_apart, batch)

    def _runs_here(self, rows: int) -> bool:
        """Whether a run is so short that the event loop can wait for it, and, where others wait, so short
        that a thread's hand-over takes longer.
        """
        if not self.model.is_quick(rows):
            return False
        alone = not self._queue and not self._running
        return alone or self.limits.runs == 1 or self.model.is_quick(rows, HAND_OVER_S)

    def _settle(self) -> None:
        """End when there is nothing left to do."""
        if not self._queue and not self._running and not self._over:
            self._over = True
            self._ended(self.model)

    def _take(self) -> list[Waiting]:
        """The next requests of one key, in order; those that are too late or given up are left out."""
        batch: list[Waiting] = []
        rows, now = 0, self._loop.time()
        while self._queue:
            first = self._queue[0]
            if first.waiter.done():
                self._queue.popleft()
            elif first.deadline < now:
                self._queue.popleft().waiter.set_exception(late(first.wait_s))
            elif batch and (first.key != batch[0].key or rows + first.rows > self.limits.rows_a_run):
                break
            else:
                batch.append(self._queue.popleft())
                rows += first.rows
        return batch

    def _run_apart(self, batch: list[Waiting]) -> None:
        """In a thread: run, and give the answers back to the event loop."""
        outcome = run(self.model, batch)
        self._loop.call_soon_threadsafe(self._end, batch, outcome)

    def _end(self, batch: list[Waiting], outcome: Outcome) -> None:
        self._running -= 1
        self._tell(batch, outcome)
        self._go_on()

    def _tell(self, batch: list[Waiting], outcome: Outcome) -> None:
        """Wake who waits; a request that was given up during the run has nobody to tell."""
        for each, answer in zip(batch, outcome, strict=True):
            if each.waiter.done():
                continue
            if isinstance(answer, Exception):
                each.waiter.set_exception(answer)
            else:
                each.waiter.set_result(answer)


def run(model: Model, batch: list[Waiting]) -> Outcome:
    """What `_run` gives; requests that are traced learn when it was."""
    began = perf_counter()
    outcome = _run(model, batch)
    ended = perf_counter()
    run_rows = sum([each.rows for each in batch])
    for each in batch:
        if each.trace is not None:
            each.trace.began, each.trace.ended, each.trace.run_rows = began, ended, run_rows
    return outcome


def _run(model: Model, batch: list[Waiting]) -> Outcome:
    """Each request's arrays or error, from one run of the graph over all their rows.

    Where the graph refuses the whole, each request gets a run of its own: a bad value is its sender's alone.
    """
    merged = batch[0].arrays
    if len(batch) > 1:
        merged = {name: np.concatenate([each.arrays[name] for each in batch]) for name in merged}
    rows = sum([each.rows for each in batch])
    try:
        results = model.run(merged, rows, batch[0].outputs)
        model.see(merged, rows)
    except InvalidInputError as error:
        return [error] if len(batch) == 1 else [_run(model, [each])[0] for each in batch]
    except Exception as error:  # noqa: BLE001 - who waits must hear of it, whatever it is
        return [error] * len(batch)
    if len(batch) == 1:
        return [results]
    ends = [*accumulate(each.rows for each in batch)]
    return [
        {name: array[end - each.rows : end] for name, array in results.items()}
        for each, end in zip(batch, ends, strict=True)
    ]


def busy(waiting: int) -> BusyError:
    """What a full queue is answered with."""
    return BusyError(f"{waiting} requests wait already, more than are taken in: ask again in a second")


def late(wait_s: float) -> DeadlineError:
    """What a request is answered with whose time has passed before its run began."""
    return DeadlineError(f"no answer within {wait_s:g} seconds: ask again, or allow more time")
