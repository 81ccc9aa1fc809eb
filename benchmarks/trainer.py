"""What the trainer costs: epochs of `models.trainer.fit` against a bare hand-written loop, same steps.

Two networks on generated rows: a small one (784-256-32-10, batch 64), where each microsecond around the step
shows, and a convolutional one. The two loops take turns, each going first every other time, for what runs
second finds warm caches and, on a shared machine, another clock. The figure is the median of the ratios.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim import SGD, Optimizer

from models.data.batches import TensorBatches
from models.task import Batch, Served, Task
from models.trainer import fit

sys.path.insert(0, str(Path(__file__).parent))

ROUNDS = 12
EPOCHS = 3


class Classes(Task):
    """Cross-entropy of ten classes."""

    monitor = "loss"

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def optimizers(self, lr: float) -> dict[str, Optimizer]:
        """SGD with momentum."""
        return {"net": SGD(self.parameters(), lr=lr, momentum=0.9)}

    def losses(self, batch: Batch) -> Iterator[tuple[str, Tensor]]:
        """One loss."""
        yield "net", nn.functional.cross_entropy(self.net(batch["x"]), batch["y"])

    def evaluate(self, _batches: Iterable[Batch]) -> dict[str, float]:
        """Nothing: the step is measured."""
        return {"loss": 0.0}

    def served(self) -> Served:
        """Nothing is served."""
        raise NotImplementedError


def bare_loop(task: Task, batches: TensorBatches, *, epochs: int, lr: float) -> float:
    """Train as one writes it by hand; returns the last epoch's mean loss."""
    (optimizer,) = task.optimizers(lr).values()
    task.train()
    total = 0.0
    for epoch in range(epochs):
        batches.set_epoch(epoch)
        total = 0.0
        for batch in batches:
            ((_, loss),) = task.losses(batch)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            total += loss.item()
    return total / len(batches)


def small() -> tuple[Task, TensorBatches]:
    """The MLP of the zoo's shape on 12,800 rows: 200 steps an epoch."""
    net = nn.Sequential(
        nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 32), nn.ReLU(), nn.Linear(32, 10)
    )  # fmt: skip
    return Classes(net), _rows((784,), 12_800, 64)


def convolutional() -> tuple[Task, TensorBatches]:
    """Two convolutions on 2,048 pictures of 3 x 32 x 32: 32 steps an epoch."""
    net = nn.Sequential(
        nn.Conv2d(3, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 32, 3), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10),
    )  # fmt: skip
    return Classes(net), _rows((3, 32, 32), 2_048, 64)


def _rows(shape: tuple[int, ...], rows: int, batch_size: int) -> TensorBatches:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(rows, *shape, generator=generator)
    y = torch.randint(0, 10, (rows,), generator=generator)
    return TensorBatches({"x": x, "y": y}, batch_size=batch_size, shuffle=True)


def measure(make: Callable[[], tuple[Task, TensorBatches]]) -> float:
    """Seconds of the trainer over those of the bare loop, for the same epochs."""
    task, batches = make()

    def ours() -> None:
        fit(
            task, batches, [], epochs=EPOCHS, lr=0.01, seed=0, schedule="cosine", device="cpu", progress=True
        )  # fmt: skip

    def bare() -> None:
        bare_loop(task, batches, epochs=EPOCHS, lr=0.01)

    seconds(ours), seconds(bare)  # the first time pays for what both use
    ratios = []
    for turn in range(ROUNDS):
        took = {loop: seconds(loop) for loop in ((ours, bare) if turn % 2 else (bare, ours))}
        ratios.append(took[ours] / took[bare])
    return statistics.median(ratios)


def seconds(work: Callable[[], None]) -> float:
    """How long ``work`` takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def main() -> None:
    """Print each network's ratio and, last, the larger as JSON."""
    from machine import machine

    torch.set_num_threads(1)
    print(
        f"{EPOCHS} epochs, trainer over bare loop, median of {ROUNDS} turns; "
        f"torch {torch.__version__}, {machine()}"
    )
    ratios = {make.__name__: measure(make) for make in (small, convolutional)}
    for name, ratio in ratios.items():
        print(f"{name:16}{ratio:.3f}")
    print(json.dumps({"step_overhead": round(max(ratios.values()) - 1, 4)}))


if __name__ == "__main__":
    main()
