"""Trainings side by side: joblib carries them, on this machine or on whatever backend the caller has chosen.

``joblib.parallel_config(backend="ray")`` around a search sends its trainings to a cluster; what comes back
is the same, whoever has worked and however many.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from joblib import Parallel, effective_n_jobs
from joblib.parallel import get_active_backend

WAITING = 4
"""Jobs a worker between two looks at the results, on a backend that does not hand them over one by one."""


def in_order(jobs: Iterable[Any], n_jobs: int | None) -> Iterator[Any]:
    """Yield the results of joblib ``delayed`` calls, in the calls' order, each soon after it is there.

    ``n_jobs`` is joblib's: None takes the backend's own number, which is one where none has been chosen.
    """
    if getattr(get_active_backend()[0], "supports_return_generator", False):
        yield from Parallel(n_jobs=n_jobs, return_as="generator")(jobs)
        return
    waiting = iter(jobs)
    while part := list(islice(waiting, WAITING * effective_n_jobs(n_jobs))):
        yield from Parallel(n_jobs=n_jobs)(part)
