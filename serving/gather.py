"""Requests that arrive in one pass of the event loop are answered by one run of the graph.

There is no timer: a request waits for the pass in which it arrived to end, never for others to come. Short
runs happen on the event loop, since a thread's hand-over takes longer; long ones go to a pool, and what
arrives meanwhile is the next run. Queues are bounded: a service with too much to do says so at once.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from serving.errors import ServingError
from serving.infer_request import Arrays
from serving.lane import Lane, Limits, Waiter, busy, late
from serving.metrics import Metrics
from serving.model import Label, Model
from serving.shadow import Comparison, Shadowed

T = TypeVar("T")


class Gatherer:
    """Runs models for many requests at once. It belongs to one event loop."""

    def __init__(self, limits: Limits, metrics: Metrics) -> None:
        self.limits, self.metrics = limits, metrics
        self.shadow_of: Callable[[Model], Model | None] | None = None
        """Gives the version that gets a copy of a request to a model, where versions have shadows."""
        self._pool = ThreadPoolExecutor(limits.runs, "infer")
        self._lanes: dict[Model, Lane] = {}
        self._apart = 0

    async def run(
        self, model: Model, arrays: Arrays, outputs: tuple[str, ...], timeout_s: float | None = None
    ) -> Arrays:
        """What `model.infer(arrays, outputs)` gives, which says what it raises.

        Raises BusyError when the model's queue is full, DeadlineError when `timeout_s` passes first. A caller
        that is cancelled takes its request out of the queue.
        """
        answer: asyncio.Future[Arrays] = asyncio.get_running_loop().create_future()
        rows = model.check(arrays)
        wait_s = self.queue(answer, model, arrays, outputs, rows, timeout_s)
        if model.is_quick(rows):
            return await answer
        try:
            async with asyncio.timeout(wait_s):
                return await answer
        except TimeoutError:
            raise late(wait_s) from None

    def queue(
        self,
        waiter: Waiter,
        model: Model,
        arrays: Arrays,
        outputs: tuple[str, ...],
        rows: int,
        timeout_s: float | None,
    ) -> float:
        """Queue `rows` rows that `model.check` has passed; `waiter` is told, from this event loop, what came.

        Gives the seconds that it may wait, which who waits must see to itself when the run may be long.
        Raises BusyError when the model's queue is full.
        """
        if self.shadow_of is not None and (shadow := self.shadow_of(model)) is not None:
            send = partial(self._copy, model, shadow, arrays, outputs)
            waiter = Shadowed(waiter, send)
        wait_s = self._wait_s(timeout_s)
        self._lane(model).add(waiter, arrays, outputs, rows, wait_s)
        return wait_s

    def _lane(self, model: Model) -> Lane:
        lane = self._lanes.get(model)
        if lane is None:
            lane = self._lanes[model] = Lane(model, self._pool, self.limits, self.metrics, self._lanes.pop)
        return lane

    def _copy(
        self, model: Model, shadow: Model, arrays: Arrays, outputs: tuple[str, ...], answered: Arrays
    ) -> None:
        """Have the shadow answer what `model` did, unless its queue is full or it has other inputs."""
        comparison = Comparison(model, shadow, answered, self.metrics)
        try:
            kept = tuple(name for name in outputs if name in shadow.outputs)
            self._lane(shadow).add(comparison, arrays, kept, shadow.check(arrays), self.limits.wait_s)
        except ServingError as error:
            comparison.set_exception(error)

    async def apart(self, work: Callable[[], T], timeout_s: float | None = None) -> T:
        """What `work()` gives, in a thread: for pictures, texts and large bodies, which take long.

        Raises BusyError and DeadlineError as `run` does.
        """
        if self._apart >= self.limits.waiting:
            raise busy(self._apart)
        wait_s = self._wait_s(timeout_s)
        self._apart += 1
        try:
            async with asyncio.timeout(wait_s):
                return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        except TimeoutError:
            raise late(wait_s) from None
        finally:
            self._apart -= 1

    def waiting(self) -> dict[Label, int]:
        """How many requests wait for each model that has any, or a run."""
        return {model.label: lane.waiting for model, lane in self._lanes.items()}

    def close(self) -> None:
        """End the threads, when their work is done."""
        self._pool.shutdown()

    def _wait_s(self, timeout_s: float | None) -> float:
        return self.limits.wait_s if timeout_s is None else min(self.limits.wait_s, timeout_s)
