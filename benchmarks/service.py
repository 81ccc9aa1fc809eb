"""The service against a bare hello, a naive FastAPI app, other servers, and any of the protocol that runs.

A graph of 80 numbers (80-256-256-1), made here. `rps_vs_best_peer`: requests a second of single rows as JSON
at 64 connections, over the best peer's; `rps_vs_hello` over a server that answers constant bytes;
`rows_vs_inprocess`: rows a second in requests of 256 rows by the binary extension, over a loop of session.run
in one thread; `p50_vs_hello`: median latency of single rows at one connection. `p99_vs_best_peer`: the 99th
percentile with requests that leave at 70% of the server's own top rate, whatever it does, over the lowest of
any peer at 70% of its own. Servers take turns, in another order each round; each figure is the median over
rounds of the ratio within a round. `cpu_ms` is the processor time of a request, over the whole tree of the
service's processes, at 64 connections.

    python benchmarks/service.py [--rounds 5] [--seconds 3] [--with pytriton --with litserve ...] \
        [--peer NAME=URL_OF_INFER ...]
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from socket import create_server
from typing import NamedTuple

import onnxruntime
import psutil

sys.path.insert(0, str(Path(__file__).parent))
from environments import PACKAGES, python_of
from machine import machine
from paced import Paced, drive_paced
from tabular import ROWS, X, many_rows, one_row, write_model
from wrk import Load, Shot, drive, need_wrk

CONNECTIONS = 64
SHARE = 0.7
"""Of a server's own top rate, in the paced load."""
PEERS = Path(__file__).with_name("peers")


def free_port() -> int:
    """A port that nothing listens on."""
    with create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def running(*command: str) -> Iterator[tuple[str, int]]:
    """A started server, `{port}` in its command being a free one; its URL and process once it answers."""
    port = free_port()
    # A file, not a pipe that nobody reads: some servers say a lot.
    said = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed with the process
    process = subprocess.Popen(
        [each.format(port=port) for each in command], stdout=subprocess.DEVNULL, stderr=said
    )
    url = f"http://127.0.0.1:{port}/v2/models/tabular/infer"
    try:
        for _ in range(300):
            if process.poll() is not None:
                said.seek(0)
                sys.exit(f"error: {' '.join(command)} ended: {said.read()[-500:]}")
            try:
                ask(url, one_row())
                break
            except OSError:
                time.sleep(0.1)
        yield url, process.pid
    finally:
        end(process.pid)
        process.wait(timeout=30)
        said.close()


def tree(pid: int) -> list[psutil.Process]:
    """A process and all below it."""
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def end(pid: int) -> None:
    """End a server, and what it leaves behind."""
    with suppress(psutil.NoSuchProcess):
        whole = tree(pid)
        for each in whole:
            each.resume()
        whole[0].terminate()
        for each in psutil.wait_procs(whole, timeout=15)[1]:
            each.kill()


@contextmanager
def alone(name: str, pids: dict[str, int]) -> Iterator[None]:
    """Let every other server sleep: some keep a core busy while nobody asks them anything."""
    others = [each for other, pid in pids.items() if other != name for each in tree(pid)]
    for each in others:
        each.suspend()
    try:
        yield
    finally:
        for each in others:
            each.resume()


def ask(url: str, shot: Shot) -> bytes:
    """The body of one answer."""
    request = urllib.request.Request(url, shot.body, shot.headers)
    with urllib.request.urlopen(request, timeout=30) as response:
        return bytes(response.read())


def check(name: str, url: str, expected: float) -> None:
    """End the benchmark where a server answers wrongly."""
    got = json.loads(ask(url, one_row()))["outputs"][0]["data"][0]
    if abs(got - expected) > 1e-4 * max(1, abs(expected)):
        sys.exit(f"error: {name} answers {got}, in this process the graph answers {expected}")


def cpu_s(pid: int) -> float:
    """The processor time of a process and all below it."""
    times = (each.cpu_times() for each in tree(pid))
    return float(sum(each.user + each.system for each in times))


def inprocess_rows(session: onnxruntime.InferenceSession, seconds: float) -> float:
    """Rows a second of a loop of session.run in this thread."""
    runs, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        session.run(None, {"features": X})
        runs += 1
    return runs * ROWS / (time.perf_counter() - began)


class Results(NamedTuple):
    """What came of each server, a round after the other, and the figures of each round."""

    loads: dict[str, list[Load]]
    paced: dict[str, list[Paced]]
    costs: dict[str, list[float]]
    figures: dict[str, list[float]]


def measure(
    urls: dict[str, str],
    pids: dict[str, int],
    session: onnxruntime.InferenceSession,
    args: argparse.Namespace,
) -> None:
    """Drive the rounds; print a line for each server and the figures."""
    results = Results(
        {name: [] for name in urls}, {name: [] for name in urls}, {name: [] for name in pids}, {}
    )
    for turn in range(args.rounds):
        order = list(urls)[turn % len(urls) :] + list(urls)[: turn % len(urls)]
        for name in order[:: 1 if turn % 2 else -1]:
            with alone(name, pids):
                drive_one(name, urls[name], pids.get(name), results, args.seconds, turn)
        for key, value in compare(urls, pids, session, results, args.seconds).items():
            results.figures.setdefault(key, []).append(value)
    for name, found in results.loads.items():
        tell(name, found, results.paced[name], results.costs.get(name, []))
    medians = {key: round(statistics.median(values), 3) for key, values in results.figures.items()}
    print(json.dumps(medians))


def drive_one(name: str, url: str, pid: int | None, results: Results, seconds: float, turn: int) -> None:
    """As much as it takes from 64 connections, then a share of that at a steady pace."""
    ask(url, one_row())
    before = 0.0 if pid is None else cpu_s(pid)
    load = drive(url, one_row(), connections=CONNECTIONS, seconds=seconds)
    results.loads[name].append(load)
    if pid is not None:
        results.costs[name].append(1e3 * (cpu_s(pid) - before) / (load.rps * seconds))
    paced = drive_paced(url, one_row(), rate=SHARE * load.rps, seconds=seconds, seed=turn)
    results.paced[name].append(paced)


def compare(
    urls: dict[str, str],
    pids: dict[str, int],
    session: onnxruntime.InferenceSession,
    results: Results,
    seconds: float,
) -> dict[str, float]:
    """The figures of the last round."""
    peers = [name for name in urls if name not in ("millrace", "hello")]
    lone = {}
    for name in ("hello", "millrace"):
        with alone(name, pids):
            lone[name] = drive(urls[name], one_row(), connections=1, seconds=seconds).p50_us
    with alone("millrace", pids):
        bound = inprocess_rows(session, seconds)
        batch = drive(urls["millrace"], many_rows(), connections=4, seconds=seconds).rps * ROWS
    now = {name: found[-1].rps for name, found in results.loads.items()}
    late = {name: found[-1].p99_us for name, found in results.paced.items()}
    return {
        "rps_vs_best_peer": now["millrace"] / max(now[name] for name in peers),
        "p99_vs_best_peer": late["millrace"] / min(late[name] for name in peers),
        "rps_vs_hello": now["millrace"] / now["hello"],
        "rows_vs_inprocess": batch / bound,
        "p50_vs_hello": lone["millrace"] / lone["hello"],
        "cpu_ms": results.costs["millrace"][-1],
    }


def tell(name: str, loads: list[Load], paced: list[Paced], costs: list[float]) -> None:
    """Print the medians of one server."""
    rps, p50, p99 = (
        statistics.median(getattr(each, key) for each in loads) for key in ("rps", "p50_us", "p99_us")
    )
    apart = [
        statistics.median(getattr(each, key) for each in paced) for key in ("p50_us", "p99_us", "late_us")
    ]
    cost = f"{statistics.median(costs):.3f} ms of CPU" if costs else ""
    print(
        f"{name:10} {rps:6.0f} requests/s, p50 {p50 / 1e3:6.2f} ms, p99 {p99 / 1e3:6.2f} ms {cost:16}  "
        f"at {SHARE:.0%}: p50 {apart[0] / 1e3:6.2f} ms, p99 {apart[1] / 1e3:6.2f} ms, "
        f"the load late by {apart[2] / 1e3:.2f} ms",
        file=sys.stderr,
    )


def main() -> None:
    """Start the servers, check their answers, measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument(
        "--peer", action="append", default=[], metavar="NAME=URL", help="a server that runs already"
    )
    parser.add_argument(
        "--with", action="append", default=[], choices=sorted(PACKAGES), dest="peers", metavar="NAME",
        help=f"a server to install apart and start: {', '.join(sorted(PACKAGES))}",
    )  # fmt: skip
    parser.add_argument(
        "--environments", type=Path, default=Path(tempfile.gettempdir()) / "millrace-peers",
        help="where what --with installs is kept",
    )  # fmt: skip
    args = parser.parse_args()
    need_wrk()
    print(machine(), file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        graph = write_model(Path(folder))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        expected = float(session.run(None, {"features": X[:1]})[0][0, 0])
        serve = ["-m", "pipeline.cli", "serve", "--models", folder, "--port", "{port}"]
        commands = {
            "millrace": (sys.executable, *serve),
            "fastapi": (sys.executable, str(PEERS / "naive.py"), "{port}", str(graph)),
            "hello": (sys.executable, str(PEERS / "hello.py"), "{port}"),
        } | {
            peer: (
                str(python_of(peer, args.environments)),
                str(PEERS / f"with_{peer}.py"),
                "{port}",
                str(graph),
            )
            for peer in args.peers
        }
        with ExitStack() as stack:
            started = {name: stack.enter_context(running(*command)) for name, command in commands.items()}
            urls = {name: url for name, (url, _) in started.items()}
            urls |= dict(each.split("=", 1) for each in args.peer)
            for name in urls.keys() - {"hello"}:
                check(name, urls[name], expected)
            measure(urls, {name: pid for name, (_, pid) in started.items()}, session, args)


if __name__ == "__main__":
    main()
