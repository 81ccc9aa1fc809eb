"""Regression of a positive number on a log scale: prices, counts, areas."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from models.errors import TrainingError
from models.task import Batch, Served, Task, decay_groups


@dataclass(frozen=True)
class TargetScale:
    """Mean and standard deviation of log(1 + y) over the training rows, and the bounds of an answer.

    ``low`` and ``high`` are the least and largest standardised log, one standard deviation further out.
    """

    mean: float = 0.0
    deviation: float = 1.0
    low: float = -1.0
    high: float = 1.0

    @classmethod
    def of(cls, y: Tensor) -> "TargetScale":
        """Measure targets ``y`` [rows]; raises TrainingError for NaN, y <= -1 or a constant."""
        logs = torch.log1p(y.double())
        if not torch.isfinite(logs).all():
            raise TrainingError(
                "expected targets above -1 without gaps, got some that have no logarithm; drop those rows"
            )
        deviation = logs.std().item() if len(logs) > 1 else 0.0
        if deviation < 1e-9:
            raise TrainingError("expected targets that differ, got one value only; check the target column")
        z = (logs - logs.mean()) / deviation
        return cls(logs.mean().item(), deviation, z.min().item() - 1.0, z.max().item() + 1.0)


class LogScaleHead(nn.Module):
    """A network whose standardised logs become the number itself: x_BF -> y_B1 in the target's unit.

    Members of an ensemble are averaged on the log scale. The scale lies in buffers, so that it travels with
    the weights; its bounds keep odd inputs from an infinite answer.
    """

    mean: Tensor
    deviation: Tensor
    low: Tensor
    high: Tensor

    def __init__(self, network: nn.Module, scale: TargetScale) -> None:
        super().__init__()
        self.network = network
        for name, value in asdict(scale).items():
            self.register_buffer(name, torch.tensor(value, dtype=torch.float32))

    def forward(self, x: Tensor) -> Tensor:
        """Return y_B1 for x_BF."""
        z_B1 = self.network(x).mean(dim=1).clamp(self.low, self.high)
        return torch.expm1(z_B1 * self.deviation + self.mean)

    def standardise(self, y: Tensor) -> Tensor:
        """Return what the network is to answer for targets ``y``."""
        return (torch.log1p(y) - self.mean) / self.deviation


class Regression(Task):
    """Mean squared error on the standardised log of the target; batches hold ``x`` [B, F] and ``y`` [B].

    ``network`` maps x_BF to z_BK1: K members (1 for a plain network) whose losses are averaged, so that
    each learns by itself (Gorishniy et al. 2025), while their mean is what is served. Weight decay spares
    biases, and every parameter with fewer than two dimensions.
    """

    monitor = "rmsle"

    def __init__(
        self,
        network: nn.Module,
        scale: TargetScale,
        *,
        features: int,
        weight_decay: float = 0.0,
        output: str = "y",
    ) -> None:
        super().__init__()
        self.head = LogScaleHead(network, scale)
        self.features, self.weight_decay, self.output = features, weight_decay, output

    def optimizers(self, lr: float) -> dict[str, Optimizer]:
        """One AdamW."""
        return {"network": AdamW(decay_groups(self, self.weight_decay), lr=lr, fused=True)}

    def losses(self, batch: Batch) -> Iterator[tuple[str, Tensor]]:
        """Yield the mean over rows and members of the squared error."""
        target_B = self.head.standardise(batch["y"])
        z_BK = self.head.network(batch["x"]).squeeze(-1)
        yield "network", (z_BK - target_B[:, None]).square().mean()

    def evaluate(self, batches: Iterable[Batch]) -> dict[str, float]:
        """RMSLE (root mean square of the difference of log(1 + y)) and MAE in the target's unit."""
        squares, absolutes, rows = 0.0, 0.0, 0
        for batch in batches:
            y, predicted = batch["y"].double(), self.head(batch["x"]).squeeze(1).double()
            squares += (torch.log1p(predicted) - torch.log1p(y)).square().sum().item()
            absolutes += (predicted - y).abs().sum().item()
            rows += len(y)
        return {"rmsle": math.sqrt(squares / rows), "mae": absolutes / rows}

    def served(self) -> Served:
        """Encoded features -> the number; two rows of zeros as the example."""
        return Served(self.head, {"x": torch.zeros(2, self.features)}, (self.output,))
