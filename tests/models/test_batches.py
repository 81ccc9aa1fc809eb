"""Batches in memory."""

import pytest
import torch

from models.data.batches import TensorBatches
from models.errors import TrainingError


def seen(batches: TensorBatches, epoch: int) -> list[int]:
    batches.set_epoch(epoch)
    return [int(row) for batch in batches for row in batch["x"]]


def test_every_row_comes_once_and_the_last_batch_may_be_short():
    batches = TensorBatches({"x": torch.arange(10), "y": torch.arange(10)}, batch_size=4)
    sizes = [len(batch["x"]) for batch in batches]
    assert sizes == [4, 4, 2]
    assert len(batches) == 3
    assert seen(batches, 0) == list(range(10))


def test_the_order_is_a_function_of_seed_and_epoch():
    rows = {"x": torch.arange(50)}
    first = TensorBatches(rows, batch_size=8, shuffle=True, seed=1)
    again = TensorBatches(rows, batch_size=8, shuffle=True, seed=1)
    other = TensorBatches(rows, batch_size=8, shuffle=True, seed=2)
    assert sorted(seen(first, 3)) == list(range(50))
    assert seen(first, 3) == seen(again, 3)
    assert seen(first, 3) != seen(first, 4)
    assert seen(first, 3) != seen(other, 3)


def test_names_stay_together_when_shuffled():
    batches = TensorBatches({"x": torch.arange(20), "y": torch.arange(20) * 2}, batch_size=7, shuffle=True)
    for batch in batches:
        assert torch.equal(batch["y"], batch["x"] * 2)


@pytest.mark.parametrize(
    "tensors", [{"x": torch.zeros(3), "y": torch.zeros(2)}, {"x": torch.zeros(0)}, {}], ids=str
)
def test_unequal_or_empty_tensors_are_refused(tensors: dict[str, torch.Tensor]):
    with pytest.raises(TrainingError, match="one length above 0"):
        TensorBatches(tensors, batch_size=2)


def test_a_batch_size_of_none_is_refused():
    with pytest.raises(TrainingError, match="batch size"):
        TensorBatches({"x": torch.zeros(3)}, batch_size=0)
