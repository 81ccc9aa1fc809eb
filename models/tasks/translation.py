"""Translation: label-smoothed cross-entropy of the next token, given the source and the target so far."""

import math
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from models.data.tokens import PAD
from models.task import Batch, Served, Task, decay_groups
from models.zoo.transformer import Transformer


class Translation(Task):
    """Batches hold ``source`` [B, S] with ``source_lengths`` and ``target`` [B, T] from begin to end.

    Label smoothing as in Szegedy et al. 2016 (arXiv 1512.00567), betas of Adam as in Vaswani et al. 2017,
    weight decay as in ``decay_groups``.
    """

    monitor = "loss"

    def __init__(
        self, network: Transformer, *, label_smoothing: float = 0.1, weight_decay: float = 0.0
    ) -> None:
        super().__init__()
        self.network = network
        self.label_smoothing, self.weight_decay = label_smoothing, weight_decay

    def optimizers(self, lr: float) -> dict[str, Optimizer]:
        """One AdamW."""
        groups = decay_groups(self, self.weight_decay)
        return {"network": AdamW(groups, lr=lr, betas=(0.9, 0.98), eps=1e-9, fused=True)}

    def losses(self, batch: Batch) -> Iterator[tuple[str, Tensor]]:
        """Yield the mean over target tokens."""
        logits_BTV, wanted_BT = self._next_tokens(batch)
        yield (
            "network",
            nn.functional.cross_entropy(
                logits_BTV.flatten(0, 1),
                wanted_BT.flatten(),
                ignore_index=PAD,
                label_smoothing=self.label_smoothing,
            ),
        )

    def evaluate(self, batches: Iterable[Batch]) -> dict[str, float]:
        """Mean cross-entropy over tokens, without smoothing; perplexity; share of tokens foreseen."""
        loss, right, count = 0.0, 0, 0
        for batch in batches:
            logits_BTV, wanted_BT = self._next_tokens(batch)
            wanted = wanted_BT.flatten()
            loss += nn.functional.cross_entropy(
                logits_BTV.flatten(0, 1), wanted, ignore_index=PAD, reduction="sum"
            ).item()
            known = wanted != PAD
            right += int(((logits_BTV.flatten(0, 1).argmax(1) == wanted) & known).sum())
            count += int(known.sum())
        return {"loss": loss / count, "perplexity": math.exp(loss / count), "token_accuracy": right / count}

    def served(self) -> Served:
        """The encoder; the decoder's step is ``step_served``."""
        tokens = torch.ones(2, 5, dtype=torch.int64)
        return Served(
            Encoder(self.network),
            {"tokens": tokens, "lengths": torch.tensor([5, 4])},
            ("memory_keys", "memory_values"),
            {"tokens": {1: "length"}},
        )

    def step_served(self) -> Served:
        """One step of the decoder over a cache of any length, none included."""
        config = self.network.config
        sizes = (2, config.layers, config.heads), config.width // config.heads
        memory, cache = (torch.zeros(*sizes[0], time, sizes[1]) for time in (5, 3))
        return Served(
            Step(self.network),
            {
                "token": torch.ones(2, 1, dtype=torch.int64), "lengths": torch.tensor([5, 4]),
                "memory_keys": memory, "memory_values": memory.clone(),
                "keys": cache, "values": cache.clone(),
            },
            ("scores", "next_keys", "next_values"),
            {
                "memory_keys": {3: "length"}, "memory_values": {3: "length"},
                "keys": {3: "time"}, "values": {3: "time"},
            },
        )  # fmt: skip

    def _next_tokens(self, batch: Batch) -> tuple[Tensor, Tensor]:
        target_BT = batch["target"]
        logits_BTV = self.network(batch["source"], batch["source_lengths"], target_BT[:, :-1])
        return logits_BTV.float(), target_BT[:, 1:]


class Encoder(nn.Module):
    """What the service runs once a text."""

    def __init__(self, network: Transformer) -> None:
        super().__init__()
        self.network = network

    def forward(self, tokens: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Return the memory's keys and values."""
        return self.network.memory(tokens, lengths)


class Step(nn.Module):
    """What the service runs once a token."""

    def __init__(self, network: Transformer) -> None:
        super().__init__()
        self.network = network

    def forward(
        self, token: Tensor, lengths: Tensor, memory_keys: Tensor, memory_values: Tensor,
        keys: Tensor, values: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
        """Return scores and the longer cache."""
        return self.network.step(token, lengths, (memory_keys, memory_values), (keys, values))
