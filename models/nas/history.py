"""What a search does and what it costs: every method pays here, and writes down what it saw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from models.errors import SearchError
from models.nas.evaluate import Evaluate
from models.nas.space import Architecture

IDLE = 300
"""Scores in a row that cost nothing, after which a method is taken to have run dry."""


@dataclass(frozen=True)
class Trial:
    """An architecture's validation score after ``epochs``; ``spent`` counts all steps up to then."""

    architecture: Architecture
    epochs: int
    score: float
    spent: int


@dataclass
class History:
    """A search: its trials in order, and the method's own guess of each architecture's worth.

    ``full`` is how many epochs make a full training; ``ranking`` is empty for methods that guess nothing.
    """

    full: int
    trials: list[Trial] = field(default_factory=list)
    ranking: dict[Architecture, float] = field(default_factory=dict)
    spent: int = 0

    @property
    def best(self) -> Trial:
        """The best of the full trainings; raises SearchError if there is none."""
        whole = [trial for trial in self.trials if trial.epochs == self.full]
        if not whole:
            raise SearchError(
                f"expected a budget for one full training at least, {self.spent} steps were too few; raise it"
            )
        return max(whole, key=lambda trial: trial.score)


class BudgetSpentError(Exception):
    """The next step costs more than is left: the search ends."""


class Ledger:
    """The purse of one search. A step is a row forwards and back; epochs once paid are not paid again."""

    def __init__(self, evaluate: Evaluate, budget: int) -> None:
        self.evaluate, self.budget = evaluate, budget
        self.lesson = evaluate.lesson
        self.history = History(self.lesson.epochs)
        self._known: dict[Architecture, dict[int, float]] = {}
        self._idle = 0

    @property
    def left(self) -> int:
        """Steps that may still be spent."""
        return self.budget - self.history.spent

    def pay(self, steps: int) -> None:
        """Spend steps; raises BudgetSpentError if fewer are left."""
        if steps > self.left:
            raise BudgetSpentError
        self.history.spent += steps

    def idle(self) -> None:
        """Count a step that costs nothing; raises BudgetSpentError after many in a row."""
        self._idle += 1
        if self._idle > IDLE:
            raise BudgetSpentError

    def score(self, architecture: Architecture, epochs: int | None = None) -> float:
        """Return one architecture's score, as ``scores`` does."""
        return self.scores([architecture], epochs)[0]

    def scores(self, architectures: Sequence[Architecture], epochs: int | None = None) -> list[float]:
        """Return the validation scores after ``epochs`` (None: all), and pay for what is new of them.

        They are paid for in their order and trained together. Raises BudgetSpentError when one cannot be
        paid, once those before it are trained, or when nothing new has been asked for long.
        """
        wanted = self.lesson.epochs if epochs is None else epochs
        bought: dict[Architecture, int] = {}
        try:
            for architecture in architectures:
                known = self._known.setdefault(architecture, {})
                if wanted in known or architecture in bought:
                    self.idle()
                    continue
                done = max((epoch for epoch in known if epoch < wanted), default=0)
                self.pay(self.lesson.cost(wanted - done))
                self._idle = 0
                bought[architecture] = self.history.spent
        finally:
            self._enter(bought, wanted)
        return [self._known[architecture][wanted] for architecture in architectures]

    def _enter(self, bought: Mapping[Architecture, int], epochs: int) -> None:
        """Have architectures trained and write down what they score and what had been spent by then."""
        found = self.evaluate(tuple(bought), epochs)
        for (architecture, spent), score in zip(bought.items(), found, strict=True):
            self._known[architecture][epochs] = score
            self.history.trials.append(Trial(architecture, epochs, score, spent))
