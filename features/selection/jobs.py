"""Jobs: independent fits carried by joblib, on this machine or by whatever backend the caller has chosen.

`joblib.parallel_config(backend="ray")` (or "dask") around a call sends them to a cluster.
"""

from collections.abc import Iterable
from typing import Any

from joblib import Parallel
from joblib.parallel import get_active_backend
from tqdm import tqdm


def in_parallel(
    jobs: Iterable[Any], *, count: int, what: str, n_jobs: int | None, progress: bool
) -> list[Any]:
    """The results of `jobs` (`count` joblib `delayed` calls), in their order, behind a bar named `what`."""
    streams = getattr(get_active_backend()[0], "supports_return_generator", False)
    results = Parallel(n_jobs=n_jobs, return_as="generator" if streams else "list")(jobs)
    return list(tqdm(results, total=count, desc=what, unit="fit", disable=not progress))
