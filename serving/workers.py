"""Several processes that share a port, and this one, which starts another in the place of one that ended."""

import json
import logging
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from time import monotonic

from serving.errors import StartError
from serving.listen import reserve
from serving.options import Options
from serving.server import DRAIN_S

log = logging.getLogger(__name__)
STEADY_S = 10.0
"""Who lived as long did not end by its start; the next is started at once."""
LONGEST_WAIT_S = 30.0
LOOK_S = 0.1


class Worker:
    """A started process; `ready` once it has said that it answers."""

    def __init__(self, options: Options, counts: Path) -> None:
        self.ready = False
        self.began = monotonic()
        # A group of its own: Ctrl-C in a terminal reaches this process alone, which tells the workers.
        self.process = subprocess.Popen(
            [sys.executable, "-m", "serving.worker", str(counts)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=0,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.told, self.heard = self.process.stdin, self.process.stdout
        with suppress(BrokenPipeError):
            self.told.write(options.to_json() + b"\n")
            self.told.flush()

    def close(self) -> None:
        """Close the pipes of one that has ended."""
        with suppress(BrokenPipeError):
            self.told.close()
        self.heard.close()


class Slot:
    """The place of one worker, and when it may be filled again."""

    def __init__(self) -> None:
        self.worker: Worker | None = None
        self.deaths = 0
        self.due = 0.0

    def ended(self, worker: Worker) -> float:
        """Empty it; gives the seconds until another is started: none at first, then ever more."""
        now = monotonic()
        self.deaths = 1 if now - worker.began > STEADY_S else self.deaths + 1
        wait_s = 0.0 if self.deaths == 1 else min(LONGEST_WAIT_S, 0.25 * 2**self.deaths)
        self.worker, self.due = None, now + wait_s
        return wait_s


def supervise(options: Options, say: Callable[[str], None]) -> None:
    """Run `options.workers` processes until SIGINT or SIGTERM, which all are told; `say` gets the greeting.

    Raises StartError when a port is taken, or the first worker cannot start.
    """
    if options.control:
        raise StartError("--model-control reaches one process alone: serve with --workers 1, or without it")
    with ExitStack() as stack:
        listener = stack.enter_context(reserve(options.host, options.port))
        grpc_port = None
        if options.grpc_port is not None:
            held = stack.enter_context(reserve(options.host, options.grpc_port))
            grpc_port = held.getsockname()[1]
        counts = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="millrace-")))
        crew = Crew(options.for_worker(listener.getsockname()[1], grpc_port), counts, say)
        crew.run()


class Crew:
    """The workers, from the first start to the end of the last."""

    def __init__(self, options: Options, counts: Path, say: Callable[[str], None]) -> None:
        self.options, self.counts, self.say = options, counts, say
        self.slots = [Slot() for _ in range(options.workers)]
        self.selector = DefaultSelector()
        self.greeted = False
        self.signals: list[int] = []

    def run(self) -> None:
        """Start, watch and replace the workers until told to end."""
        before = {sig: signal.signal(sig, self._told) for sig in (signal.SIGINT, signal.SIGTERM)}
        try:
            while not self.signals:
                self._fill()
                self._listen(LOOK_S)
                self._look()
        finally:
            self._end()
            self.selector.close()
            for sig, handler in before.items():
                signal.signal(sig, handler)

    def _told(self, sig: int, _: object) -> None:
        """Note a signal; Ctrl-C again ends the workers' waiting for who they answer."""
        self.signals.append(sig)
        if sig == signal.SIGINT and len(self.signals) > 1:
            self._signal(signal.SIGINT)

    def _fill(self) -> None:
        """Start a worker in each empty place whose time has come."""
        for slot in self.slots:
            if slot.worker is None and slot.due <= monotonic():
                slot.worker = Worker(self.options, self.counts)
                self.selector.register(slot.worker.heard, EVENT_READ, slot.worker)

    def _listen(self, wait_s: float) -> None:
        """Hear from the workers that they are ready, and greet once all are."""
        for key, _ in self.selector.select(wait_s):
            worker: Worker = key.data
            line = worker.heard.readline()
            said = json.loads(line) if line else {}
            if "error" in said and not self.greeted:
                raise StartError(said["error"])
            if "error" in said:
                log.warning("a new worker cannot start: %s", said["error"])
            if "ready" not in said:
                self.selector.unregister(key.fileobj)
                continue
            worker.ready = True
            if not self.greeted and all(slot.worker and slot.worker.ready for slot in self.slots):
                self.greeted = True
                self.say(f"{len(self.slots)} workers\n{said['ready']}")

    def _look(self) -> None:
        """Clear the places of workers that have ended."""
        for slot in self.slots:
            worker = slot.worker
            if worker is None or worker.process.poll() is None:
                continue
            self._forget(worker)
            wait_s = slot.ended(worker)
            if self.signals:
                continue
            if not self.greeted and slot.deaths > 1:
                raise StartError(f"a worker {_ended(worker)} before it answered")
            after = f"in {wait_s:g} seconds" if wait_s else "now"
            log.warning("worker %d %s; another is started %s", worker.process.pid, _ended(worker), after)

    def _forget(self, worker: Worker) -> None:
        if worker.heard in {key.fileobj for key in self.selector.get_map().values()}:
            self.selector.unregister(worker.heard)
        worker.close()

    def _signal(self, sig: int) -> None:
        for slot in self.slots:
            if slot.worker is not None:
                slot.worker.process.send_signal(sig)

    def _end(self) -> None:
        """Tell all workers to end, and wait until they have; who does not is killed."""
        self._signal(signal.SIGTERM)
        ends = monotonic() + self.options.drain_wait_s + DRAIN_S + 5
        for slot in self.slots:
            if slot.worker is None:
                continue
            try:
                slot.worker.process.wait(max(0.1, ends - monotonic()))
            except subprocess.TimeoutExpired:
                slot.worker.process.kill()
                slot.worker.process.wait()
            self._forget(slot.worker)


def _ended(worker: Worker) -> str:
    """How a worker ended, in words."""
    code = worker.process.returncode
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
