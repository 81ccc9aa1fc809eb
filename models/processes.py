"""Training in several processes on one machine, launched and joined by Lightning Fabric.

Each process takes its share of every batch's rows; gradients are averaged before each update, so that the
weights stay equal in all of them. Statistics over a batch (batch normalisation) are those of a share.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.multiprocessing.spawn import ProcessRaisedException

from models.errors import TrainingError
from models.task import Batch

if TYPE_CHECKING:
    from lightning_fabric import Fabric


class Crew:
    """The processes that train together; ``rank`` 0 judges and writes."""

    def __init__(self, fabric: "Fabric | None" = None) -> None:
        self.fabric = fabric
        self.rank, self.size = (fabric.global_rank, fabric.world_size) if fabric else (0, 1)

    @property
    def leads(self) -> bool:
        """Whether this process judges and writes."""
        return self.rank == 0

    def shares(self, batches: Iterable[Batch]) -> Iterator[tuple[Batch, float]]:
        """Yield this process's rows of each batch and the weight of their mean loss.

        A batch of fewer rows than processes goes whole to each of them.
        """
        for batch in batches:
            rows = len(next(iter(batch.values())))
            if self.size == 1 or rows < self.size:
                yield batch, 1.0
                continue
            share = {name: tensor[self.rank :: self.size] for name, tensor in batch.items()}
            yield share, len(next(iter(share.values()))) * self.size / rows

    def mean_gradients(self, gradients: list[Tensor]) -> None:
        """Replace gradients by their mean over the processes, in one message."""
        assert self.fabric is not None
        flat = nn.utils.parameters_to_vector(gradients)
        reduced = self.fabric.all_reduce(flat, reduce_op="mean")
        assert isinstance(reduced, Tensor)
        at = 0
        for gradient in gradients:
            gradient.copy_(reduced[at : at + gradient.numel()].view_as(gradient))
            at += gradient.numel()

    def from_lead(self, value: Any) -> Any:
        """Return what the leading process has."""
        return value if self.fabric is None else self.fabric.broadcast(value, src=0)

    def gathered(self, value: Any) -> list[Any]:
        """Return every process's value, by rank."""
        if self.size == 1:
            return [value]
        values: list[Any] = [None] * self.size
        torch.distributed.all_gather_object(values, value)
        return values


def launch(count: int, device: torch.device, work: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    """Run ``work(Crew, **arguments)`` in ``count`` new processes; returns what the leading one does.

    ``arguments`` travel by pickle. Raises TrainingError with the message of the process that failed.
    """
    from lightning_fabric import Fabric

    accelerator = "cuda" if device.type == "cuda" else "cpu"
    fabric = Fabric(accelerator=accelerator, devices=count, strategy="ddp_spawn")
    try:
        return fabric.launch(_in_process, work, arguments)  # type: ignore[arg-type]  # it passes on the rest
    except ProcessRaisedException as error:
        last = str(error).strip().splitlines()[-1]
        raise TrainingError(last.removeprefix("models.errors.TrainingError: ")) from error


def _in_process(fabric: "Fabric", work: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    logging.getLogger("lightning.fabric").setLevel(logging.WARNING)
    return work(Crew(fabric), **arguments)
