"""The crawler beside Scrapy, crawlee and what one writes by hand, on a site of 81 fields a page, served here.

Each is a process of its own, one after the other, with the same concurrency and its politeness off; ours is
counted with the archive it writes. Records are compared with the truth. `pages_per_s_vs_scrapy`,
`cpu_vs_scrapy` (CPU seconds of the process tree a page) and `pages_per_s_vs_aiohttp` are medians over rounds
of the ratio within a round; `peak_mb` is the peak of the proportional set size of our process tree, and
`peak_mb_10x`, with --large, that on a site of ten times as many pages.

    python benchmarks/scraping.py [--pages 3000] [--rounds 3] [--peers FOLDER] [--install] [--large]
        [--only NAME ...]

Peers live in an environment of their own under FOLDER, which --install makes; without it ours runs alone.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import create_connection, create_server
from typing import NamedTuple

import psutil

sys.path.insert(0, str(Path(__file__).parent))
from machine import machine
from scraping_site import A_LIST, record

HERE = Path(__file__).parent
PACKAGES = (
    "scrapy",
    "crawlee[parsel]",
    "aiohttp",
    "httpx",
    "selectolax",
    "requests",
    "lxml",
    "beautifulsoup4",
)
PEERS = ("scrapy", "crawlee", "threads", "httpx", "aiohttp", "soup")
OURS = "millrace"
SOUP_PAGES = 240
POLL_S = 0.1


class Figures(NamedTuple):
    """One run: seconds, CPU seconds, peak MB, pages that were read, and how many of them wrongly or not."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    pages: int
    wrong: int


def main() -> None:
    """Measure and print."""
    options = _options()
    if options.install:
        install(options.peers)
    python = options.peers / "bin" / "python" if options.peers else None
    if python is not None and not python.exists():
        sys.exit(f"error: {options.peers} has no peers: run with --install once")
    names = [OURS, *(PEERS if python else ())]
    names = [name for name in names if not options.only or name in options.only]
    print(machine())
    runs: dict[str, list[Figures]] = {name: [] for name in names}
    for turn in range(options.rounds):
        for name in names if turn % 2 == 0 else names[::-1]:
            runs[name].append(measure(name, python, options.pages, options.concurrency))
            show(name, runs[name][-1])
    found = ratios(runs)
    if options.large and OURS in names:
        large = measure(OURS, python, 10 * options.pages, options.concurrency)
        show(f"{OURS} 10x", large)
        found["peak_mb_10x"] = round(large.peak_mb, 1)
    print(json.dumps(found))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pages", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--peers", type=Path, metavar="FOLDER")
    parser.add_argument("--install", action="store_true", help="make the peers' environment in FOLDER")
    parser.add_argument("--large", action="store_true", help="ours once more on ten times as many pages")
    parser.add_argument("--only", nargs="*", metavar="NAME", help=f"some of {OURS}, {', '.join(PEERS)}")
    options = parser.parse_args()
    if options.install and not options.peers:
        parser.error("--install needs --peers FOLDER")
    return options


def install(folder: Path) -> None:
    """Make the peers' environment."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    subprocess.run([str(folder / "bin" / "pip"), "install", "--quiet", *PACKAGES], check=True)


def measure(name: str, python: Path | None, pages: int, concurrency: int) -> Figures:
    """One run of one of them against a server of its own."""
    pages = min(pages, SOUP_PAGES) if name == "soup" else pages
    interpreter = sys.executable if name == OURS or python is None else str(python)
    with serving(pages) as url, tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "records.jsonl"
        script = HERE / "peers" / f"scrape_{name}.py"
        command = [interpreter, str(script), url, str(concurrency), str(out)]
        before, began = os.times(), time.monotonic()
        process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        peak = _peak_mb(process)
        wall_s, after = time.monotonic() - began, os.times()
        if process.returncode:
            sys.exit(f"error: {name}: {(process.stderr.read() if process.stderr else '')[-800:]}")
        cpu_s = after.children_user + after.children_system - before.children_user - before.children_system
        found, wrong = compare(out, pages)
    return Figures(wall_s, cpu_s, peak, found + -(-pages // A_LIST), wrong)


@contextmanager
def serving(pages: int) -> Iterator[str]:
    """The site, on a free port."""
    with create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
    process = subprocess.Popen([sys.executable, str(HERE / "scraping_site.py"), str(pages), str(port)])
    try:
        for _ in range(600):
            try:
                create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        # Not waited for while a run is measured: its CPU time is not the run's.
        process.wait()


def _peak_mb(process: subprocess.Popen[str]) -> float:
    """Wait for the process; the most that its tree held at a time."""
    peak, parent = 0.0, psutil.Process(process.pid)
    while process.poll() is None:
        peak = max(peak, sum(_pss(each) for each in (parent, *_children(parent))) / 1e6)
        time.sleep(POLL_S)
    return peak


def _children(parent: psutil.Process) -> list[psutil.Process]:
    try:
        return list(parent.children(recursive=True))
    except psutil.Error:
        return []


def _pss(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0


def compare(out: Path, pages: int) -> tuple[int, int]:
    """How many records there are, and how many are wrong, missing or there twice."""
    seen: set[int] = set()
    wrong = 0
    with out.open() as file:
        for line in file:
            got = json.loads(line)
            number = int(got["key"])
            wrong += number in seen or got != record(number)
            seen.add(number)
    return len(seen), wrong + pages - len(seen)


def show(name: str, run: Figures) -> None:
    """One line of the table."""
    print(
        f"{name:12} {run.pages / run.wall_s:7.0f} pages/s  "
        f"{run.cpu_s / run.pages * 1000:6.2f} CPU s/1,000 pages  {run.peak_mb:5.0f} MB  {run.wrong} wrong",
        flush=True,
    )


def ratios(runs: dict[str, list[Figures]]) -> dict[str, float]:
    """The medians over rounds of ours to the peers'."""
    found = {}
    speed = {name: [run.pages / run.wall_s for run in each] for name, each in runs.items()}
    cpu = {name: [run.cpu_s / run.pages for run in each] for name, each in runs.items()}
    if OURS in runs and "scrapy" in runs:
        found["pages_per_s_vs_scrapy"] = _ratio(speed[OURS], speed["scrapy"])
        found["cpu_vs_scrapy"] = _ratio(cpu[OURS], cpu["scrapy"])
    if OURS in runs and "aiohttp" in runs:
        found["pages_per_s_vs_aiohttp"] = _ratio(speed[OURS], speed["aiohttp"])
    if OURS in runs:
        found["peak_mb"] = round(max(run.peak_mb for run in runs[OURS]), 1)
    return found


def _ratio(ours: list[float], others: list[float]) -> float:
    return round(statistics.median(a / b for a, b in zip(ours, others, strict=True)), 3)


if __name__ == "__main__":
    main()
