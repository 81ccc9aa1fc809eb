"""Graphs made of an ensemble's members, from all of them to one, each with its loss and its time."""

import statistics
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto
from tqdm import tqdm

from models.export.parity import GraphSession
from models.front import Candidate
from models.pruning import Loss, mixed, pruned

TURNS, TURN_S = 7, 0.05
"""How often a latency is taken, and for how long each time."""

Floats = NDArray[np.float64]


def latency_ms(model: ModelProto, row: Mapping[str, NDArray[Any]]) -> float:
    """Milliseconds for one row of raw columns in onnxruntime, one thread, the median of ``TURNS`` turns."""
    session = GraphSession(model)
    return seconds(lambda: session.answers(row, session.outputs)) * 1000


def seconds(answer: Callable[[], Any]) -> float:
    """Seconds that a call takes, the median of ``TURNS`` turns; it is called once before."""
    answer()
    turns = []
    for _ in range(TURNS):
        begun, times = time.perf_counter(), 0
        while not times or time.perf_counter() - begun < TURN_S:
            answer()
            times += 1
        turns.append((time.perf_counter() - begun) / times)
    return statistics.median(turns)


def member_candidates(
    below: Mapping[str, Sequence[str]],
    known: Mapping[str, Floats],
    fresh: Mapping[str, Floats],
    losses: tuple[Loss, Loss],
    time_ms: Callable[[Mapping[str, float]], float],
    *,
    progress: bool = True,
) -> list[Candidate]:
    """Each member by itself, and the ever smaller ensembles of ``models.pruning.pruned``.

    ``below`` names what each member is stacked on. ``known`` are the members' out-of-fold answers, from which
    weights are chosen by the first of ``losses``; ``fresh`` those to other rows, of which the second of
    ``losses`` is told. ``time_ms`` takes the latency of the graph of some weights.
    """
    bar = tqdm(total=2 * len(below), unit="graph", desc="prune", disable=not progress)

    def candidate(name: str, weights: dict[str, float]) -> Candidate:
        bar.update()
        return Candidate(name, "pruned", losses[1](mixed(fresh, weights)), time_ms(weights), weights)

    alone = {name: candidate(name, {name: 1.0}) for name in below}
    cost = _cost(below, {name: each.latency_ms for name, each in alone.items()})
    steps = [weights for weights in pruned(known, losses[0], cost) if len(weights) > 1]
    found = [candidate(f"{len(weights)} members", weights) for weights in steps]
    bar.total = bar.n
    bar.close()
    return [*alone.values(), *found]


def _cost(
    below: Mapping[str, Sequence[str]], alone: Mapping[str, float]
) -> Callable[[Collection[str]], float]:
    """The time of a set of members: that of each and of all that it is stacked on, each counted once."""
    own: dict[str, float] = {}
    for name in sorted(below, key=lambda name: len(below[name])):
        own[name] = max(alone[name] - sum(own[each] for each in below[name]), 0.0)

    def cost(names: Collection[str]) -> float:
        needed = {*names, *(each for name in names for each in below[name])}
        return sum(own[name] for name in needed)

    return cost
