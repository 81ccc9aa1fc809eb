"""Torch's generators seeded for a while."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Run a block under torch's generators seeded with ``seed``; the caller's state comes back after it."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield
