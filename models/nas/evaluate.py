"""Where a method's scores come from: the table, or a training; both by one contract."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import torch
from joblib import delayed

from models.nas.jobs import in_order
from models.nas.lesson import Lesson
from models.nas.space import Architecture, Space
from models.nas.table import Table
from models.nas.training import train
from models.table import torch_threads


class Evaluate(Protocol):
    """Answers what architectures score on the validation rows after some epochs; more is better.

    ``lesson`` is what the methods take that look into networks (shared weights, zero-cost proxies), and
    gives the cost of epochs.
    """

    lesson: Lesson

    def __call__(self, architectures: Sequence[Architecture], epochs: int) -> list[float]:
        """Return their scores, in their order."""

    def candidates(self) -> tuple[Architecture, ...]:
        """Return the architectures that can be asked for."""


class FromTable:
    """Scores as the table has them; the lesson is the one it was measured on."""

    def __init__(self, table: Table, lesson: Lesson) -> None:
        self.table, self.lesson = table, lesson

    def __call__(self, architectures: Sequence[Architecture], epochs: int) -> list[float]:
        """Look up seed 0."""
        return [self.table.seen(each, epochs) for each in architectures]

    def candidates(self) -> tuple[Architecture, ...]:
        """Return the table's architectures: all of the space once it is complete."""
        return self.table.architectures


class ByTraining:
    """Scores by training; ``folder`` keeps them, so that a search that was killed does not train anew.

    What was trained for some epochs goes on from its checkpoint there. Architectures that are asked for
    together train side by side, as joblib's ``jobs`` says; the scores do not depend on it.
    """

    def __init__(
        self, space: Space, lesson: Lesson, folder: Path, seed: int = 0, jobs: int | None = None
    ) -> None:
        self.space, self.lesson, self.folder, self.seed, self.jobs = space, lesson, folder, seed, jobs
        terms = repr((sorted(lesson.about(space.name).items()), seed))
        self._file = folder / f"scores_{hashlib.sha256(terms.encode()).hexdigest()[:16]}.jsonl"
        self._scores = _read(self._file)

    def __call__(self, architectures: Sequence[Architecture], epochs: int) -> list[float]:
        """Train, or go on training; what has been trained is on the disk when the next one is awaited."""
        new = [each for each in dict.fromkeys(architectures) if (each, epochs) not in self._scores]
        threads = torch.get_num_threads()
        calls = (
            delayed(_scores)(self.space, self.lesson, each, self.seed, epochs, self.folder, threads)
            for each in new
        )
        for each, scores in zip(new, in_order(calls, self.jobs), strict=True):
            first = epochs - len(scores)
            found = {(each, first + at): score for at, score in enumerate(scores, 1)}
            self._scores |= found
            _write(self._file, found)
        return [self._scores[each, epochs] for each in architectures]

    def candidates(self) -> tuple[Architecture, ...]:
        """Return the whole space."""
        return self.space.architectures


def _scores(
    space: Space,
    lesson: Lesson,
    architecture: Architecture,
    seed: int,
    epochs: int,
    folder: Path,
    threads: int,
) -> tuple[float, ...]:
    with torch_threads(threads):
        return train(space, lesson, architecture, seed=seed, epochs=epochs, folder=folder)[1]


def _read(path: Path) -> dict[tuple[Architecture, int], float]:
    """The scores in a file; the last line, if a kill has torn it, is dropped from it."""
    if not path.exists():
        return {}
    content = path.read_text(encoding="utf-8")
    whole = content[: content.rfind("\n") + 1]
    if whole != content:
        path.write_text(whole, encoding="utf-8")
    rows = (json.loads(line) for line in whole.splitlines())
    return {(tuple(architecture), epochs): score for architecture, epochs, score in rows}


def _write(path: Path, scores: dict[tuple[Architecture, int], float]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.writelines(
            json.dumps([architecture, epochs, score]) + "\n"
            for (architecture, epochs), score in scores.items()
        )
