"""Where joblib's jobs are carried: by this machine, or by a Ray cluster. The results are the same."""

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import joblib

from pipeline.errors import ParamsError
from pipeline.params import ComputeParams


@contextmanager
def engine(wanted: ComputeParams) -> Iterator[None]:
    """Carry the jobs of the block as `compute` says.

    On Ray every core of the cluster takes jobs; its nodes must have this version of Millrace installed.
    Raises ParamsError if Ray is not installed or no cluster answers at the address.
    """
    if wanted.engine == "local":
        yield
        return
    ray = _joined(wanted.address)
    try:
        with joblib.parallel_config(backend="ray", n_jobs=-1):
            yield
    finally:
        ray.shutdown()


def _joined(address: str) -> Any:
    """Ray, connected to the cluster; a cluster is never started here."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        from ray.util.joblib import register_ray
    except ImportError as error:
        raise ParamsError(
            "compute.engine: ray is not installed: pip install 'millrace[ray]', or set compute.engine: local"
        ) from error
    try:
        _reach(address)
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, ValueError) as error:
        raise ParamsError(
            f"compute.address: no Ray cluster answers at {address!r}: start one with "
            "`ray start --head --disable-usage-stats`, or set compute.engine: local"
        ) from error
    register_ray()  # type: ignore[no-untyped-call]
    return ray


def _reach(address: str) -> None:
    """Raise OSError or ValueError when nobody listens at host:port; Ray itself would try for minutes."""
    if address != "auto":
        host, _, port = address.rpartition(":")
        socket.create_connection((host, int(port)), timeout=10).close()
