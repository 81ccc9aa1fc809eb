"""Train every architecture of a space once a seed and write the table; a run that was killed goes on.

``python -m models.nas.exhaustive --space cells --out cells.csv`` trains; ``--pack FILE.csv.gz`` then
writes the compact table that the package keeps.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from joblib import delayed
from tqdm import tqdm

from models.errors import ModelError
from models.nas.catalog import SPACES, lesson_of
from models.nas.jobs import in_order
from models.nas.lesson import Lesson
from models.nas.space import Architecture, Space
from models.nas.table import append, pack, parse, start
from models.nas.training import Measured, measure
from models.table import torch_threads


def exhaust(
    space: Space,
    lesson: Lesson,
    path: Path,
    *,
    seeds: int,
    threads: int = 1,
    jobs: int | None = None,
    progress: bool = True,
) -> None:
    """Measure what the table at ``path`` lacks: every architecture with seed 0, then with the next one.

    The order of architectures is mixed, so that a part of the table is a fair sample of the space. ``jobs``
    is joblib's ``n_jobs``: rows are written in order, so that the file does not depend on it. A training
    takes ``threads`` threads.
    """
    start(path, lesson.about(space.name), lesson.epochs)
    known = parse(space, path.read_text(encoding="utf-8"), str(path)).rows
    todo = [each for each in _order(space, seeds) if each not in known]
    calls = (delayed(_measured)(space, lesson, each, seed, threads) for each, seed in todo)
    rows = in_order(calls, jobs)
    for row in tqdm(rows, total=len(todo), unit="architecture", disable=not progress, mininterval=10):
        append(path, row)


def _measured(space: Space, lesson: Lesson, architecture: Architecture, seed: int, threads: int) -> Measured:
    with torch_threads(threads):
        return measure(space, lesson, architecture, seed)


def _order(space: Space, seeds: int) -> Iterator[tuple[Architecture, int]]:
    count = len(space.architectures)
    for seed in range(seeds):
        mixed = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
        yield from ((space.architectures[at], seed) for at in mixed.tolist())


def main() -> int:
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--space", choices=sorted(SPACES), default="cells")
    parser.add_argument("--out", type=Path, required=True, help="the table, a line a training")
    parser.add_argument("--seeds", type=int, default=1, help="trainings of each architecture")
    parser.add_argument("--jobs", type=int, default=1, help="trainings at a time; the table is the same")
    parser.add_argument("--threads", type=int, default=1, help="of each training")
    parser.add_argument("--data-dir", type=Path, help="CIFAR-10 in a folder, instead of digits")
    parser.add_argument("--pack", type=Path, help="write this compact table from --out and train nothing")
    asked = parser.parse_args()
    try:
        if asked.pack:
            pack(asked.out, asked.pack)
            return 0
        space = SPACES[asked.space]
        exhaust(
            space, lesson_of(space, asked.data_dir), asked.out, seeds=asked.seeds,
            threads=asked.threads, jobs=asked.jobs,
        )  # fmt: skip
    except (ModelError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
