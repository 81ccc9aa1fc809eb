"""Graphs to choose from: how far off each is, how long it takes, and which is best within a budget."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from models.errors import ModelError

Kind = Literal["network", "ensemble", "pruned"]
"""What a candidate is of: a mean of members counts as pruned."""


@dataclass(frozen=True)
class Candidate:
    """``loss`` on the validation rows, less is better; ``latency_ms`` of one row.

    ``weights`` are those of a pruned ensemble's members. What is no ``graph`` is there to compare with.
    """

    name: str
    kind: Kind
    loss: float
    latency_ms: float
    weights: dict[str, float] = field(default_factory=dict)
    graph: bool = True


def pick(candidates: Sequence[Candidate], *, budget_ms: float) -> Candidate:
    """The graph of least loss that answers within ``budget_ms``; of equals the quicker.

    Raises ModelError when none does.
    """
    graphs = [candidate for candidate in candidates if candidate.graph]
    within = [candidate for candidate in graphs if candidate.latency_ms <= budget_ms]
    if not within:
        quickest = min(graphs, key=lambda candidate: candidate.latency_ms)
        raise ModelError(
            f"no graph answers a row within {budget_ms:g} ms here: the quickest, {quickest.name}, takes "
            f"{quickest.latency_ms:.3g} ms; raise the budget (export.budget_ms)"
        )
    return min(within, key=lambda candidate: (candidate.loss, candidate.latency_ms))


def on_front(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Those that no other betters in loss without being slower, the quickest first."""
    front: list[Candidate] = []
    for candidate in sorted(candidates, key=lambda each: (each.latency_ms, each.loss)):
        if not front or candidate.loss < front[-1].loss:
            front.append(candidate)
    return front


def front_table(candidates: Sequence[Candidate]) -> pd.DataFrame:
    """One row a candidate, the quickest first: name, kind, loss, latency_ms, members, graph, front."""
    front = on_front(candidates)
    rows = [
        {
            "name": each.name,
            "kind": each.kind,
            "loss": each.loss,
            "latency_ms": each.latency_ms,
            "members": len(each.weights),
            "graph": each.graph,
            "front": each in front,
        }
        for each in sorted(candidates, key=lambda each: each.latency_ms)
    ]
    return pd.DataFrame(rows)
