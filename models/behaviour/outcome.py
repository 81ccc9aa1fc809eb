"""What a behavioural test measured, against which limit, and the row on which it was worst.

Minimum function, invariance and direction are the kinds of test of Ribeiro et al. 2020, "Beyond Accuracy:
Behavioral Testing of NLP Models with CheckList" (https://aclanthology.org/2020.acl-main.442).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite
from typing import Any, Literal

from models.errors import BehaviourError

Kind = Literal["invariance", "direction", "minimum", "slices", "robustness"]


@dataclass(frozen=True)
class Outcome:
    """One test: ``measured`` must be finite and lie between ``low`` and ``high``, as far as they are set.

    ``check`` says what is tested, ``subject`` on which column, case or slice, ``rows`` on how many rows;
    ``worst`` is the row that fits least, by key, with its answers, as JSON takes it.
    """

    kind: Kind
    check: str
    subject: str
    rows: int
    measured: float
    low: float | None = None
    high: float | None = None
    worst: Mapping[str, Any] = field(default_factory=dict)

    @property
    def margin(self) -> float:
        """How far ``measured`` is within its limits; below 0 it is outside, -inf when it is not finite."""
        if not isfinite(self.measured):
            return -inf
        over = inf if self.low is None else self.measured - self.low
        return min(over, inf if self.high is None else self.high - self.measured)

    @property
    def passed(self) -> bool:
        """Whether the model behaves as expected."""
        return self.margin >= 0

    @property
    def expected(self) -> str:
        """The limits in words."""
        if self.low is not None and self.high is not None:
            return f"{self.low:g} to {self.high:g}"
        return f"at least {self.low:g}" if self.low is not None else f"at most {self.high:g}"

    def to_dict(self) -> dict[str, Any]:
        """The outcome as JSON takes it: null for what is not finite."""
        return {
            "kind": self.kind,
            "check": self.check,
            "subject": self.subject,
            "rows": self.rows,
            "measured": plain(self.measured),
            "expected": self.expected,
            "passed": self.passed,
            "worst": dict(self.worst),
        }


def plain(value: Any) -> Any:
    """One value as JSON takes it: numbers as float, null for those that are not finite, all else as text."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value)
    return number if isfinite(number) else None


def tightest(outcomes: Sequence[Outcome]) -> list[tuple[Outcome, int, int]]:
    """For each check: the outcome with the least margin, how many there are and how many passed."""
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault((outcome.kind, outcome.check), []).append(outcome)
    return [
        (min(group, key=lambda one: one.margin), len(group), sum(one.passed for one in group))
        for group in groups.values()
    ]


def refuse_failures(outcomes: Sequence[Outcome], path: str) -> None:
    """Raise BehaviourError, which names the first test that failed on ``path`` (the graph, Python)."""
    failed = [outcome for outcome in outcomes if not outcome.passed]
    if failed:
        first = failed[0]
        row = ", ".join(f"{name} {value}" for name, value in first.worst.items())
        raise BehaviourError(
            f"{path}: {first.kind}, {first.check}, {first.subject}: expected {first.expected}, "
            f"got {first.measured:.6g}{f' ({row})' if row else ''}; {len(failed)} of {len(outcomes)} tests "
            "failed: mend the model, or state in export.behaviour what it may do"
        )
