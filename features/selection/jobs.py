"""Jobs: independent fits carried by joblib, on this machine or by whatever backend the caller has chosen.

`joblib.parallel_config(backend="ray")` (or "dask") around a call sends them to a cluster.
"""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from joblib import Parallel, parallel_config
from joblib.parallel import get_active_backend
from threadpoolctl import threadpool_limits
from tqdm import tqdm

FEW_CELLS = 1_000_000
FAR_CELLS = 10_000_000


def in_parallel(
    jobs: Iterable[Any], *, count: int, what: str, n_jobs: int | None, progress: bool
) -> list[Any]:
    """The results of `jobs` (`count` joblib `delayed` calls), in their order, behind a bar named `what`."""
    streams = getattr(get_active_backend()[0], "supports_return_generator", False)
    results = Parallel(n_jobs=n_jobs, return_as="generator" if streams else "list")(jobs)
    return list(tqdm(results, total=count, desc=what, unit="fit", disable=not progress))


@contextmanager
def fitting_threads(cells: int) -> Iterator[None]:
    """One thread for a fit on a table of fewer than a million `cells`, else as many as there are.

    On so few, threads of OpenMP and BLAS wait for each other longer than they work: quick boosted trees on
    1,560 x 40 took 0.15 s with one and 1.1 s with two on a busy machine of two cores.
    """
    with _jobs_of(cells), threadpool_limits(1 if cells < FEW_CELLS else None):
        yield


def _jobs_of(cells: int) -> AbstractContextManager[Any]:
    """Here for a fit on a table of fewer than ten million `cells`, else where the caller has chosen.

    A job that a cluster carries costs a good part of a second, and a tree of a smaller forest less: 100 on
    1,500 x 40 took 0.6 s here and 31 s on two nodes of Ray, 30 on 20,000 x 60 took 8 s and 31 s.
    """
    away = type(get_active_backend()[0]).__module__.partition(".")[0] != "joblib"
    return parallel_config(backend="sequential") if away and cells < FAR_CELLS else nullcontext()
