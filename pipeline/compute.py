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

SPREAD = {"scheduling_strategy": "SPREAD", "num_cpus": 0.5}
"""Nodes take turns. Of a process without a claim Ray picks the node by chance; one with a whole core's would
wait for ever when a node that is lost took its core with it."""


def carrier(ray: str) -> ComputeParams:
    """What `--ray ADDRESS` asks for; without an address this machine."""
    return ComputeParams(engine="ray" if ray else "local", address=ray or "auto")


@contextmanager
def engine(wanted: ComputeParams) -> Iterator[None]:
    """Carry the jobs of the block as `compute` says.

    On Ray every core of the cluster takes jobs, those of scikit-learn's forests too; its nodes must have this
    version of Millrace installed.
    Raises ParamsError if Ray is not installed or no cluster answers at the address.
    """
    if wanted.engine == "local":
        yield
        return
    ray = _joined(wanted.address)
    try:
        with joblib.parallel_config(backend="ray", n_jobs=-1, ray_remote_args=SPREAD):
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
            "Ray is not installed: pip install 'millrace[ray]', or compute on this machine "
            "(compute.engine: local, or no --ray)"
        ) from error
    try:
        _reach(address)
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, ValueError) as error:
        raise ParamsError(
            f"no Ray cluster answers at {address!r}: start one with `ray start --head "
            "--disable-usage-stats`, or compute on this machine (compute.engine: local, or no --ray)"
        ) from error
    register_ray()  # type: ignore[no-untyped-call]
    return ray


def _reach(address: str) -> None:
    """Raise OSError or ValueError when nobody listens at host:port; Ray itself would try for minutes."""
    if address != "auto":
        host, _, port = address.rpartition(":")
        socket.create_connection((host, int(port)), timeout=10).close()
