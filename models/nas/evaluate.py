"""Where a method's scores come from: the table, or a training; both by one contract."""

from pathlib import Path
from typing import Protocol

from models.nas.lesson import Lesson
from models.nas.space import Architecture, Space
from models.nas.table import Table
from models.nas.training import train


class Evaluate(Protocol):
    """Answers what an architecture scores on the validation rows after some epochs; more is better.

    ``lesson`` is what the methods take that look into networks (shared weights, zero-cost proxies), and
    gives the cost of epochs.
    """

    lesson: Lesson

    def __call__(self, architecture: Architecture, epochs: int) -> float:
        """Return the score."""

    def candidates(self) -> tuple[Architecture, ...]:
        """Return the architectures that can be asked for."""


class FromTable:
    """Scores as the table has them; the lesson is the one it was measured on."""

    def __init__(self, table: Table, lesson: Lesson) -> None:
        self.table, self.lesson = table, lesson

    def __call__(self, architecture: Architecture, epochs: int) -> float:
        """Look up seed 0."""
        return self.table.seen(architecture, epochs)

    def candidates(self) -> tuple[Architecture, ...]:
        """Return the table's architectures: all of the space once it is complete."""
        return self.table.architectures


class ByTraining:
    """Scores by training; what was trained for some epochs goes on from its checkpoint in ``folder``."""

    def __init__(self, space: Space, lesson: Lesson, folder: Path, seed: int = 0) -> None:
        self.space, self.lesson, self.folder, self.seed = space, lesson, folder, seed
        self._scores: dict[tuple[Architecture, int], float] = {}

    def __call__(self, architecture: Architecture, epochs: int) -> float:
        """Train, or go on training."""
        if (architecture, epochs) not in self._scores:
            _, scores = train(
                self.space, self.lesson, architecture, seed=self.seed, epochs=epochs, folder=self.folder
            )
            first = epochs - len(scores)
            self._scores |= {(architecture, first + at): score for at, score in enumerate(scores, 1)}
        return self._scores[architecture, epochs]

    def candidates(self) -> tuple[Architecture, ...]:
        """Return the whole space."""
        return self.space.architectures
