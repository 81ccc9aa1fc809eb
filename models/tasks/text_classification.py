"""Classification of texts: cross-entropy over padded tokens, accuracy."""

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from models.classes import class_metrics
from models.task import Batch, Served, Task


class TextHead(nn.Module):
    """A network of tokens as the service asks it: tokens_BT, lengths_B -> probabilities_BK."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Return probabilities_BK."""
        return torch.softmax(self.network(tokens, lengths).float(), dim=1)


class TextClassification(Task):
    """Cross-entropy of K classes; batches hold ``tokens`` [B, T], ``tokens_lengths`` [B] and ``label`` [B].

    ``network`` maps tokens and lengths to logits_BK.
    """

    monitor = "accuracy"
    monitor_mode = "max"

    def __init__(
        self, network: nn.Module, *, classes: int, weight_decay: float = 0.0, label_smoothing: float = 0.0
    ) -> None:
        super().__init__()
        self.head = TextHead(network)
        self.classes, self.weight_decay, self.label_smoothing = classes, weight_decay, label_smoothing

    def optimizers(self, lr: float) -> dict[str, Optimizer]:
        """One AdamW."""
        return {"network": AdamW(self.parameters(), lr=lr, weight_decay=self.weight_decay, fused=True)}

    def losses(self, batch: Batch) -> Iterator[tuple[str, Tensor]]:
        """Yield the mean cross-entropy."""
        logits_BK = self.head.network(batch["tokens"], batch["tokens_lengths"])
        smoothing = self.label_smoothing
        yield (
            "network",
            nn.functional.cross_entropy(logits_BK.float(), batch["label"], label_smoothing=smoothing),
        )

    def evaluate(self, batches: Iterable[Batch]) -> dict[str, float]:
        """Accuracy, and the mean cross-entropy as "loss"."""
        parts = ((self.head(batch["tokens"], batch["tokens_lengths"]), batch["label"]) for batch in batches)
        return class_metrics(parts, self.classes)

    def served(self) -> Served:
        """Tokens -> probabilities, for any length."""
        inputs = {"tokens": torch.ones(2, 7, dtype=torch.int64), "lengths": torch.tensor([7, 3])}
        return Served(self.head, inputs, ("probabilities",), {"tokens": {1: "length"}})
