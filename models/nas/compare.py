"""Methods side by side: each searches a table with several seeds, and its verdicts are put together."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from joblib import delayed
from scipy.stats import kendalltau
from tqdm import tqdm

from models.nas.evaluate import FromTable
from models.nas.history import History
from models.nas.jobs import in_order
from models.nas.judge import Truth, Verdict, exhaustive, judge, paired, tau_interval
from models.nas.lesson import Lesson
from models.nas.methods.catalog import METHODS
from models.nas.space import Architecture, Space
from models.nas.table import Table
from models.table import torch_threads

Figures = dict[str, float | None]


@dataclass(frozen=True)
class Run:
    """One search of a comparison, judged."""

    method: str
    seed: int
    history: History
    verdict: Verdict


def suited(space: Space) -> list[str]:
    """Return the methods that can search a space: those with shared weights only where networks share any."""
    return [name for name in METHODS if space.network == "cell_cnn" or "shot" not in name]


def compare(
    table: Table,
    lesson: Lesson,
    methods: Sequence[str],
    seeds: Sequence[int],
    share: float,
    *,
    jobs: int | None = None,
    progress: bool = True,
) -> list[Run]:
    """Search with every method and seed for a ``share`` of exhaustive compute, scores from the table.

    ``jobs`` is joblib's ``n_jobs``; the runs, by method and then by seed, do not depend on it.
    """
    asked = [(method, seed) for method in methods for seed in seeds]
    calls = (delayed(_run)(table, lesson, method, seed, share) for method, seed in asked)
    runs = in_order(calls, jobs)
    return list(tqdm(runs, total=len(asked), unit="search", disable=None if progress else True))


def _run(table: Table, lesson: Lesson, method: str, seed: int, share: float) -> Run:
    total = exhaustive(table, lesson)
    with torch_threads(1):
        history = METHODS[method](table.space, FromTable(table, lesson), int(share * total), seed)
    return Run(method, seed, history, judge(history, Truth(table), total))


def figures(runs: Sequence[Run], truth: Truth) -> Figures:
    """Put the runs of one method together.

    ``regret``: median; ``compute``: mean share spent; ``found``, ``returned``: share of the seeds that
    trained and that returned one of the true top 1%; ``top_compute``: median share until the first (None if
    most found none); ``tau`` and ``spearman``: means, with tau's 95% interval (None without a ranking).
    """
    verdicts = [run.verdict for run in runs]
    low, high = tau_interval([run.history.ranking for run in runs], truth)
    return {
        "regret": _figure(np.median([each.regret for each in verdicts])),
        "compute": _figure(np.mean([each.compute for each in verdicts])),
        "found": _figure(np.mean([each.found for each in verdicts])),
        "returned": _figure(np.mean([each.returned for each in verdicts])),
        "top_compute": _figure(np.median([each.top_compute for each in verdicts])),
        "tau": _figure(np.mean([each.tau for each in verdicts])),
        "tau_low": _figure(low),
        "tau_high": _figure(high),
        "spearman": _figure(np.mean([each.spearman for each in verdicts])),
    }


def ceiling(table: Table, truth: Truth) -> Figures:
    """Return what someone gets who has trained all and goes by what methods see: seed 0's validation score.

    ``regret`` and ``share_above`` of the architecture that scores best; ``places``: how many of the best by
    that score are needed to have one of the true top 1% among them; ``tau`` of the score.
    """
    seen = {each: table.seen(each, len(table.rows[each, 0].validation)) for each in table.architectures}
    order = sorted(seen, key=lambda each: -seen[each])
    places = next(place for place, each in enumerate(order, 1) if truth.is_top(each))
    return {
        "regret": _figure(truth.best - truth.scores[order[0]]),
        "share_above": _figure(truth.share_above(order[0])),
        "places": places,
        "tau": _figure(tau_of(seen, truth)),
    }


def noise(table: Table) -> Figures:
    """Return how alike trainings are that differ by their seed alone: means over all pairs of seeds.

    ``validation`` and ``test``: Kendall's tau between two seeds' scores; ``better_half``: that of validation
    among the architectures whose mean over the pair is over the median; ``architectures``: how many were
    trained with every seed of the table.
    """
    seeds = sorted({seed for _, seed in table.rows})
    shared = [each for each in table.architectures if all((each, seed) in table.rows for seed in seeds)]
    rows = [[table.rows[each, seed] for each in shared] for seed in seeds]
    validation = np.array([[row.validation[-1] for row in column] for column in rows])
    test = np.array([[row.test for row in column] for column in rows])
    taus: dict[str, list[float]] = {"validation": [], "better_half": [], "test": []}
    for one, two in combinations(range(len(seeds)), 2):
        mean = validation[one] + validation[two]
        better = mean > np.median(mean)
        taus["validation"].append(kendalltau(validation[one], validation[two])[0])
        taus["better_half"].append(kendalltau(validation[one][better], validation[two][better])[0])
        taus["test"].append(kendalltau(test[one], test[two])[0])
    found = {name: _figure(np.mean(values) if values else math.nan) for name, values in taus.items()}
    return {"architectures": len(shared), "seeds": len(seeds), **found}


def tau_of(ranking: dict[Architecture, float], truth: Truth) -> float:
    """Return Kendall's tau of a ranking with the truth."""
    return float(kendalltau(*paired(ranking, truth))[0])


def _figure(value: float | np.floating) -> float | None:
    """A number as JSON takes it: None for infinity and NaN."""
    return round(float(value), 4) if math.isfinite(value) else None
