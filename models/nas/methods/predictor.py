"""Predictor: a Gaussian process learns scores from encodings, and what it expects most of is trained next.

White, Neiswanger, Savani, "BANANAS: Bayesian Optimization with Neural Architectures for Neural Architecture
Search", AAAI 2021, https://arxiv.org/abs/1910.11858: path encodings, a surrogate with its own doubt, an
acquisition over many candidates, several trained a round. Abdelfattah et al., ICLR 2021,
https://arxiv.org/abs/2101.08134: a zero-cost proxy among what the surrogate knows. Differences: a Gaussian
process instead of an ensemble of networks, for tens of trainings are few; its upper confidence bound over all
candidates instead of samples over mutations, for a space of a thousand can be looked through.
"""

import random
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel
from sklearn.preprocessing import StandardScaler

from models.nas.evaluate import Evaluate
from models.nas.history import BudgetSpentError, History, Ledger
from models.nas.methods.zero_cost import ranked
from models.nas.space import Architecture, Space

Floats = NDArray[np.float64]


def search(
    space: Space,
    evaluate: Evaluate,
    budget: int,
    seed: int,
    *,
    proxy: str = "synflow",
    first: int = 8,
    together: int = 4,
    bold: float = 0.5,
) -> History:
    """Train the ``first``, half by the proxy and half by chance, then ``together`` a round by the predictor.

    A round takes what may score best: the expected score and ``bold`` times its doubt. The ranking is the
    predictor's last word on every candidate.
    """
    ledger, pool = Ledger(evaluate, budget), evaluate.candidates()
    rng = random.Random(seed)  # noqa: S311  not for secrets
    known: dict[Architecture, float] = {}
    with suppress(BudgetSpentError):
        ranking = dict(ranked(space, ledger, seed, proxies=(proxy,)))
        x = encodings(space, pool, ranking)
        chosen = beginners(pool, ranking, first, rng)
        while chosen := chosen[: ledger.left // ledger.lesson.full]:
            known |= dict(zip(chosen, ledger.scores(chosen), strict=True))
            mean, doubt = predict(x, [pool.index(each) for each in known], list(known.values()))
            ledger.history.ranking = dict(zip(pool, mean.tolist(), strict=True))
            order = [pool[at] for at in np.argsort(-(mean + bold * doubt), kind="stable")]
            chosen = [each for each in order if each not in known][:together]
    return ledger.history


def beginners(
    pool: Sequence[Architecture], ranking: Mapping[Architecture, float], count: int, rng: random.Random
) -> list[Architecture]:
    """Return the first half of ``count`` by a ranking, the others by chance."""
    best = sorted(ranking, key=lambda each: -ranking[each])[: count // 2]
    rest = [each for each in pool if each not in best]
    return best + rng.sample(rest, min(count - len(best), len(rest)))


def encodings(space: Space, pool: Sequence[Architecture], ranking: Mapping[Architecture, float]) -> Floats:
    """Return what the predictor knows of each architecture: its encoding, and its place in a ranking.

    Those that are not ranked stand in the middle.
    """
    places = [ranking.get(each, float(np.median(list(ranking.values())))) for each in pool]
    rows = [[*space.encode(each), place] for each, place in zip(pool, places, strict=True)]
    return np.array(StandardScaler().fit_transform(rows), dtype=np.float64)


def predict(x: Floats, rows: Sequence[int], scores: Sequence[float]) -> tuple[Floats, Floats]:
    """Return the expected score of every row of ``x`` and its doubt, from the scores of some ``rows``.

    The doubt is of the score that an architecture has on average: what the seed of a training adds is left
    out, for it is the same everywhere and no reason to look anywhere.
    """
    kernel = ConstantKernel(1.0, (1e-3, 1e3)) * Matern(8.0, (1.0, 100.0), nu=2.5)
    process = GaussianProcessRegressor(kernel + WhiteKernel(0.1, (1e-4, 10.0)), normalize_y=True)
    with warnings.catch_warnings():
        # A scale at the end of its range is as good as one within.
        warnings.simplefilter("ignore", ConvergenceWarning)
        process.fit(x[list(rows)], np.array(scores))
    mean, spread = process.predict(x, return_std=True)
    noise = process.kernel_.k2.noise_level * np.var(scores)
    return np.asarray(mean), np.sqrt(np.maximum(np.square(spread) - noise, 0.0))
