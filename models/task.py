"""What a network learns: losses, metrics and what is served; no epochs, devices or files.

Shapes in this room are suffixes: ``x_BF`` is [batch, features]; K is members of an ensemble, D a width.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from torch import Tensor, nn
from torch.optim import Optimizer

Batch = Mapping[str, Tensor]
"""One batch: tensors by name, the first axis of each the batch."""


@dataclass(frozen=True)
class Served:
    """What leaves for the service: the graph that is exported answers as ``module`` does.

    ``inputs`` are example tensors by the names of ``module.forward``'s arguments (first axis: batch, at
    least 2 rows); ``outputs`` are the names of what it returns, in order. ``axes`` names the further axes of
    an input that are free, by position: ``{"tokens": {1: "length"}}``.
    """

    module: nn.Module
    inputs: dict[str, Tensor]
    outputs: tuple[str, ...]
    axes: Mapping[str, Mapping[int, str]] = field(default_factory=dict)


def decay_groups(module: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Return an optimiser's groups; weight decay spares every parameter with fewer than two dimensions."""
    weights = list(module.parameters())
    return [
        {"params": [each for each in weights if each.ndim >= 2], "weight_decay": weight_decay},
        {"params": [each for each in weights if each.ndim < 2], "weight_decay": 0.0},
    ]


class Task(nn.Module, ABC):
    """A network with its losses and metrics; ``models.trainer.fit`` trains any of them.

    ``monitor`` names the metric of ``evaluate`` that picks the best epoch, ``monitor_mode`` says whether
    less or more of it is better.
    """

    monitor: str
    monitor_mode: Literal["min", "max"] = "min"

    @abstractmethod
    def optimizers(self, lr: float) -> dict[str, Optimizer]:
        """Optimisers by name; ``lr`` is the peak learning rate that the schedule scales."""

    @abstractmethod
    def losses(self, batch: Batch) -> Iterator[tuple[str, Tensor]]:
        """Yield (optimiser's name, scalar loss) in update order.

        The trainer steps each optimiser before it asks for the next loss, so that a later loss sees the
        weights that an earlier one has changed.
        """

    @abstractmethod
    def evaluate(self, batches: Iterable[Batch]) -> dict[str, float]:
        """Metrics over all rows of ``batches``; called in eval mode and without gradients."""

    @abstractmethod
    def served(self) -> Served:
        """The module that answers, with example inputs and the names of its outputs."""
