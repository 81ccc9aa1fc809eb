"""The sets of the zoo by name, from what is installed, a folder or the hub; never one in place of another."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.data.data import Data, Origin, Part, Source, length
from models.data.embedded import EMBEDDED
from models.data.folder import read_folder
from models.data.hub import HUB, read_hub
from models.errors import DataError

SHARES = {"test": 0.15, "validation": 0.1}
"""Shares of the rows that are split off where a set has no such split."""


def load_data(
    name: str,
    *,
    source: Source = "embedded",
    folder: Path | None = None,
    seed: int = 0,
    progress: bool = True,
) -> Data:
    """Load the set ``name`` from ``source``; ``seed`` decides which rows a missing split gets.

    Raises DataError for a name or source that is none, and for files that are not there.
    """
    if name not in EMBEDDED:
        raise DataError(f"expected a set among {', '.join(EMBEDDED)}, got {name!r}")
    if source == "embedded":
        rows, labels, words = EMBEDDED[name]()
        splits = {"train": rows}
    elif source == "folder" and folder is not None:
        splits, labels = read_folder(name, folder, progress=progress)
        words = f"{name} from a folder"
    elif source == "hub":
        splits, labels = read_hub(name, progress=progress)
        words = f"{HUB[name]} from the hub"
    else:
        raise DataError(
            f"expected source embedded, hub, or folder with a folder, got {source!r} and {folder}"
        )
    splits = _completed(splits, seed)
    counts = {split: length(part) for split, part in splits.items()}
    origin = Origin(name, source, words, counts, _digest(splits))
    return Data(splits["train"], splits["validation"], splits["test"], labels, origin)


def _completed(splits: dict[str, Part], seed: int) -> dict[str, Part]:
    """All three splits; one that is missing takes its share of the training rows, by chance."""
    whole = dict(splits)
    for split, share in SHARES.items():
        if split not in whole:
            rows = length(whole["train"])
            mixed = torch.randperm(rows, generator=torch.Generator().manual_seed(seed))
            cut = max(1, round(share * rows))
            whole[split] = _chosen(whole["train"], mixed[:cut].sort().values)
            whole["train"] = _chosen(whole["train"], mixed[cut:].sort().values)
    return whole


def _chosen(part: Part, rows: Tensor) -> Part:
    return {
        name: column[rows] if isinstance(column, Tensor) else [column[row] for row in rows.tolist()]
        for name, column in part.items()
    }


def _digest(splits: dict[str, Part]) -> str:
    total = hashlib.sha256()
    for split in sorted(splits):
        for name, column in sorted(splits[split].items()):
            total.update(f"{split}/{name}".encode())
            total.update(_bytes(column))
    return total.hexdigest()


def _bytes(column: Tensor | Sequence[str]) -> bytes:
    if isinstance(column, Tensor):
        return np.ascontiguousarray(column.numpy()).tobytes()
    return "\0".join(column).encode()
