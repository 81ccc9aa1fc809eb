"""LSTM that reads a text: embedding, one hand-made LSTM layer, mean over time, two linear layers.

Hochreiter, Schmidhuber, "Long Short-Term Memory", Neural Computation 9(8), 1997,
https://doi.org/10.1162/neco.1997.9.8.1735; for reviews as in Dai, Le, "Semi-supervised Sequence Learning",
NeurIPS 2015, https://arxiv.org/abs/1511.01432. Differences: small (embedding 64, hidden 64), trained from
scratch, and the mean over all times instead of the last one, which a long text has forgotten the start of.

Legend: B batch, T tokens, E embedding, H hidden units, K classes.
"""

from dataclasses import dataclass
from typing import Any

import torch
from optuna.trial import BaseTrial
from torch import Tensor, nn

from models.layers.lstm import LSTMLayer


@dataclass(frozen=True)
class LSTMConfig:
    """Shape of the network; ``vocabulary`` and ``classes`` come from the data."""

    vocabulary: int
    classes: int
    embedding: int = 64
    hidden: int = 64
    dropout: float = 0.5
    padding: int = 0


class LSTM(nn.Module):
    """tokens_BT and lengths_B -> logits_BK; what lies after a text's length counts nowhere."""

    def __init__(self, config: LSTMConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocabulary, config.embedding, padding_idx=config.padding)
        self.lstm = LSTMLayer(config.embedding, config.hidden)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Sequential(
            nn.Linear(config.hidden, config.hidden), nn.ReLU(), nn.Dropout(config.dropout),
            nn.Linear(config.hidden, config.classes),
        )  # fmt: skip

    def forward(self, tokens_BT: Tensor, lengths_B: Tensor) -> Tensor:
        """Return logits_BK."""
        h_BTH = self.lstm(self.dropout(self.embedding(tokens_BT)))
        text_BT1 = (torch.arange(tokens_BT.shape[1], device=tokens_BT.device) < lengths_B[:, None])[
            :, :, None
        ]
        mean_BH = (h_BTH * text_BT1).sum(1) / lengths_B[:, None]
        logits_BK: Tensor = self.head(mean_BH)
        return logits_BK


STARTS: dict[str, dict[str, Any]] = {
    "default": {"embedding": 64, "hidden": 64, "dropout": 0.5, "lr": 2e-3, "batch_size": 64}
}
"""Parameters of the search space that a study may try first, by name."""


def search_space(trial: BaseTrial) -> dict[str, dict[str, Any]]:
    """Suggest entries of the config under ``network``, and of the training under ``training``."""
    return {
        "network": {
            "embedding": trial.suggest_categorical("embedding", [32, 64, 128]),
            "hidden": trial.suggest_categorical("hidden", [32, 64, 128]),
            "dropout": trial.suggest_float("dropout", 0.0, 0.6, step=0.1),
        },
        "training": {
            "lr": trial.suggest_float("lr", 5e-4, 5e-3, log=True),
            "batch_size": trial.suggest_categorical("batch_size", [32, 64]),
        },
    }
