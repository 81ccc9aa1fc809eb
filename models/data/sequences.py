"""Batches of token sequences, padded, with rows of like length together."""

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from models.data.tokens import PAD
from models.errors import TrainingError

WINDOW = 50
"""Batches within which rows are sorted by length: enough for little padding, few enough to stay mixed."""


class SequenceBatches:
    """Batches of ``sequences`` (token numbers by name, equally many rows each) and plain ``tensors``.

    A batch holds ``name`` int64 [B, T] filled up with PAD, ``name_lengths`` int64 [B], and the tensors' rows.
    With ``shuffle`` the order of an epoch is a function of ``seed`` and the epoch alone.
    """

    def __init__(
        self,
        sequences: Mapping[str, Sequence[Sequence[int]]],
        tensors: Mapping[str, Tensor] | None = None,
        *,
        batch_size: int,
        shuffle: bool = False,
        seed: int = 0,
    ) -> None:
        counts = {name: len(rows) for name, rows in [*sequences.items(), *(tensors or {}).items()]}
        if len(set(counts.values())) != 1 or not next(iter(counts.values())) or batch_size < 1:
            raise TrainingError(
                f"expected equally many sequences, in batches of at least 1; got {counts}, {batch_size}"
            )
        self.sequences = {
            name: [torch.tensor(row, dtype=torch.int64) for row in rows] for name, rows in sequences.items()
        }
        self.tensors = dict(tensors or {})
        self.batch_size, self.shuffle, self.seed = batch_size, shuffle, seed
        self.rows = next(iter(counts.values()))
        self._lengths = torch.tensor(
            [sum(len(rows[at]) for rows in self.sequences.values()) for at in range(self.rows)]
        )
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next pass."""
        self._epoch = epoch

    def __len__(self) -> int:
        return (self.rows + self.batch_size - 1) // self.batch_size

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        for chosen in self._order():
            batch: dict[str, Tensor] = {name: tensor[chosen] for name, tensor in self.tensors.items()}
            for name, rows in self.sequences.items():
                picked = [rows[at] for at in chosen.tolist()]
                batch[name] = torch.nn.utils.rnn.pad_sequence(picked, batch_first=True, padding_value=PAD)
                batch[f"{name}_lengths"] = torch.tensor([len(row) for row in picked])
            yield batch

    def _order(self) -> list[Tensor]:
        """The rows of each batch."""
        if not self.shuffle:
            return list(torch.split(torch.arange(self.rows), self.batch_size))
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self._epoch)
        mixed = torch.randperm(self.rows, generator=generator)
        batches = [
            part
            for window in torch.split(mixed, WINDOW * self.batch_size)
            for part in torch.split(
                window[torch.argsort(self._lengths[window], stable=True)], self.batch_size
            )
        ]
        return [batches[at] for at in torch.randperm(len(batches), generator=generator).tolist()]
