"""The methods by name, and the default one of each space."""

from collections.abc import Callable
from functools import partial

from models.errors import SearchError
from models.nas.evaluate import Evaluate
from models.nas.history import History
from models.nas.methods import (
    evolution,
    one_shot,
    predictor,
    random_search,
    reinforce,
    successive_halving,
    warm_evolution,
    zero_cost,
)
from models.nas.space import Space

Search = Callable[[Space, Evaluate, int, int], History]
"""``search(space, evaluate, budget, seed)``; the budget counts steps, the same seed finds the same."""

METHODS: dict[str, Search] = {
    "random": random_search.search,
    "evolution": evolution.search,
    "warm_evolution": warm_evolution.search,
    "predictor": predictor.search,
    "reinforce": reinforce.search,
    "one_shot": one_shot.search,
    "one_shot_fair": partial(one_shot.search, sampling="fair"),
    "zero_cost": zero_cost.search,
    "synflow": partial(zero_cost.search, proxies=("synflow",)),
    "naswot": partial(zero_cost.search, proxies=("naswot",)),
    "jacobian_covariance": partial(zero_cost.search, proxies=("jacobian_covariance",)),
    "successive_halving": successive_halving.search,
}

DEFAULTS = {"cells": "predictor", "mlp": "successive_halving"}
"""By space the method that is taken where none is named; docs/nas.md tells why."""


def method_of(name: str) -> Search:
    """Return the method called ``name``; raises SearchError naming those that there are."""
    if name not in METHODS:
        raise SearchError(f"expected a method among {', '.join(METHODS)}, got {name!r}")
    return METHODS[name]
