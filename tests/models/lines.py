"""A small task that trainer tests share: it travels to other processes by pickle, so it needs a module."""

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn
from torch.optim import SGD, Optimizer

from models.data.batches import TensorBatches
from models.task import Batch, Served, Task


class PlainLine(Task):
    """A linear regression whose gradient is a mean over rows, by SGD."""

    monitor = "mse"

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))

    def optimizers(self, lr: float) -> dict[str, Optimizer]:
        return {"net": SGD(self.parameters(), lr=lr, momentum=0.9)}

    def losses(self, batch: Batch) -> Iterator[tuple[str, Tensor]]:
        yield "net", (self.net(batch["x"])[:, 0] - batch["y"]).square().mean()

    def evaluate(self, batches: Iterable[Batch]) -> dict[str, float]:
        errors = [(self.net(batch["x"])[:, 0] - batch["y"]).square() for batch in batches]
        return {"mse": torch.cat(errors).float().mean().item()}

    def served(self) -> Served:
        return Served(self.net, {"x": torch.zeros(2, 3)}, ("y",))


class BrokenLine(PlainLine):
    """A loss that is no number."""

    def losses(self, batch: Batch) -> Iterator[tuple[str, Tensor]]:
        yield "net", self.net(batch["x"]).mean() * float("nan")


def line_batches(batch_size: int = 16, rows: int = 60) -> TensorBatches:
    x = torch.randn(rows, 3, generator=torch.Generator().manual_seed(0))
    y = x @ torch.tensor([1.0, -2.0, 0.5])
    return TensorBatches({"x": x, "y": y}, batch_size=batch_size, shuffle=True, seed=3)
