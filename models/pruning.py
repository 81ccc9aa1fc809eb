"""A smaller ensemble: members are left out one by one, each time the one whose seconds bought least.

The weights of those that stay are chosen anew by greedy selection with replacement (Caruana et al. 2004,
https://doi.org/10.1145/1015330.1015432), as AutoGluon chooses them.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Loss = Callable[[Floats], float]
"""Of answers shaped as a member's, less is better."""
Cost = Callable[[Collection[str]], float]
"""Of a set of members with all that they are stacked on, in any unit of time."""

ROUNDS = 25
"""Draws of the greedy selection: weights are multiples of 1/25."""


def greedy_weights(answers: Mapping[str, Floats], loss: Loss) -> dict[str, float]:
    """Weights above 0 that add up to 1, by member; ``answers`` are to rows that the members did not learn."""
    total: Any = 0.0
    drawn = dict.fromkeys(answers, 0)
    best, kept = inf, dict(drawn)
    for count in range(1, ROUNDS + 1):
        losses = {name: loss((total + values) / count) for name, values in answers.items()}
        chosen = min(losses, key=lambda name: (losses[name], list(answers).index(name)))
        total = total + answers[chosen]
        drawn[chosen] += 1
        if losses[chosen] < best:
            best, kept = losses[chosen], dict(drawn)
    draws = sum(kept.values())
    return {name: times / draws for name, times in kept.items() if times}


def mixed(answers: Mapping[str, Floats], weights: Mapping[str, float]) -> Floats:
    """The weighted mean of members' answers."""
    return np.asarray(sum(answers[name] * weight for name, weight in weights.items()))


def pruned(answers: Mapping[str, Floats], loss: Loss, cost: Cost) -> Iterator[dict[str, float]]:
    """Yield the weights of ever smaller sets of members, from those that all members' choice leaves to one.

    A step leaves out the member at which the loss on ``answers`` grows least for each unit of cost saved.
    """
    weights = greedy_weights(answers, loss)
    yield weights
    while len(weights) > 1:
        before, paid = loss(mixed(answers, weights)), cost(weights)
        steps = []
        for left_out in weights:
            fewer = greedy_weights({name: answers[name] for name in weights if name != left_out}, loss)
            saved = max(paid - cost(fewer), 1e-9)
            steps.append(((loss(mixed(answers, fewer)) - before) / saved, left_out, fewer))
        _, _, weights = min(steps, key=lambda step: step[:2])
        yield weights
