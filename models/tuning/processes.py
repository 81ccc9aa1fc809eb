"""Workers in processes, by joblib: of this machine, or of the cluster that the caller has chosen.

``joblib.parallel_config(backend="ray")`` around a study sends its workers to Ray's nodes.
"""

import sys
from collections.abc import Callable
from typing import Any

import joblib
from joblib.externals.loky.process_executor import TerminatedWorkerError
from joblib.parallel import get_active_backend

from models.errors import StudyError

DEATHS = 20
"""So many times in a row workers may die and be replaced."""


def run_workers(job: Callable[..., None], *arguments: Any, workers: int) -> None:
    """Run ``job(*arguments)`` in that many processes until all return.

    Where one is killed joblib ends them all, and others begin, to take up what they did; more than the
    cluster has cores there are not. Raises StudyError when they do not live, and what a job raises.
    """
    for _ in range(DEATHS):
        count = min(workers, _room(workers))
        try:
            joblib.Parallel(n_jobs=count, batch_size=1)(joblib.delayed(job)(*arguments) for _ in range(count))
        except _deaths():
            continue
        return
    raise StudyError(f"expected workers that live, {DEATHS} times one was killed: is there memory enough?")


def _room(workers: int) -> int:
    """How many a cluster takes: Ray refuses more than it has cores, and a lost node takes its own away."""
    backend = get_active_backend()[0]
    return int(backend.effective_n_jobs(-1)) if _on_ray(backend) else workers


def _on_ray(backend: Any) -> bool:
    return type(backend).__module__.partition(".")[0] == "ray"


def _deaths() -> tuple[type[Exception], ...]:
    """What says that a process died; Ray's word for it, where Ray is in use."""
    ray = sys.modules.get("ray.exceptions")
    return (TerminatedWorkerError,) if ray is None else (TerminatedWorkerError, ray.RayActorError)
