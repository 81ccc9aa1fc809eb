"""Batches of tensors held in memory, shuffled by (seed, epoch) so that a resumed run sees the same order."""

from collections.abc import Iterator

import torch
from torch import Tensor

from models.errors import TrainingError


class TensorBatches:
    """Batches of named tensors whose first axes are equally long.

    With ``shuffle`` the order of an epoch is a function of ``seed`` and the epoch alone. A last batch
    shorter than ``batch_size`` is kept.
    """

    def __init__(
        self, tensors: dict[str, Tensor], *, batch_size: int, shuffle: bool = False, seed: int = 0
    ) -> None:
        lengths = {name: len(tensor) for name, tensor in tensors.items()}
        if len(set(lengths.values())) != 1 or not next(iter(lengths.values())):
            raise TrainingError(
                f"expected named tensors of one length above 0, got {lengths}; check the split"
            )
        if batch_size < 1:
            raise TrainingError(f"expected a batch size of at least 1, got {batch_size}")
        self.tensors, self.batch_size, self.shuffle, self.seed = tensors, batch_size, shuffle, seed
        self.rows = next(iter(lengths.values()))
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next pass."""
        self._epoch = epoch

    def __len__(self) -> int:
        return (self.rows + self.batch_size - 1) // self.batch_size

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        order = self._order()
        for start in range(0, self.rows, self.batch_size):
            chosen = order[start : start + self.batch_size]
            yield {name: tensor[chosen] for name, tensor in self.tensors.items()}

    def _order(self) -> Tensor:
        if not self.shuffle:
            return torch.arange(self.rows)
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self._epoch)
        return torch.randperm(self.rows, generator=generator)
