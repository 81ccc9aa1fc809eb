"""MLP for tables: the plain network that others are to beat.

Gorishniy et al., "Revisiting Deep Learning Models for Tabular Data", NeurIPS 2021,
https://arxiv.org/abs/2106.11959, showed how strong it is when tuned. Differences: scaling by training
statistics lies inside the module, 0/1 columns pass unscaled.

Legend: B batch, F columns, O outputs; the middle axis of the answer is for members of an ensemble: one here.
"""

from dataclasses import dataclass
from typing import Any

import torch
from optuna.trial import BaseTrial
from torch import Tensor, nn

from models.layers.numeric import TableScaler


@dataclass(frozen=True)
class MLPConfig:
    """Shape of an MLP; ``features`` and ``numbers`` come from ``models.layers.numeric.table_shape``."""

    features: int
    numbers: tuple[int, ...]
    outputs: int = 1
    width: int = 256
    depth: int = 2
    dropout: float = 0.1
    clip: float = 4.0


class MLP(nn.Module):
    """x_BF -> z_B1O; ``calibrate`` with the training rows before training."""

    def __init__(self, config: MLPConfig) -> None:
        super().__init__()
        self.config = config
        self.scaler = TableScaler(config.features, config.numbers, config.clip)
        layers: list[nn.Module] = []
        for layer in range(config.depth):
            layers.append(nn.Linear(config.features if layer == 0 else config.width, config.width))
            layers += [nn.ReLU(), nn.Dropout(config.dropout)]
        self.layers = nn.Sequential(*layers, nn.Linear(config.width, config.outputs))

    def calibrate(self, x_RF: Tensor) -> None:
        """Take the scaling from the training rows [rows, F]."""
        self.scaler.calibrate(x_RF)

    def forward(self, x_BF: Tensor) -> Tensor:
        """Return z_B1O."""
        z_B1O: Tensor = self.layers(torch.cat(self.scaler(x_BF), dim=1)).unsqueeze(1)
        return z_B1O


STARTS: dict[str, dict[str, Any]] = {
    "portfolio_1": {
        "width": 512, "depth": 1, "dropout": 0.2, "lr": 0.0011, "weight_decay": 0.00034, "batch_size": 32,
    },
    "portfolio_2": {
        "width": 512, "depth": 3, "dropout": 0.4, "lr": 0.0027, "weight_decay": 0.035, "batch_size": 64,
    },
    "portfolio_3": {
        "width": 128, "depth": 3, "dropout": 0.2, "lr": 0.00045, "weight_decay": 0.28, "batch_size": 32,
    },
    "portfolio_4": {
        "width": 64, "depth": 3, "dropout": 0.0, "lr": 0.0079, "weight_decay": 0.00062, "batch_size": 128,
    },
    "portfolio_5": {
        "width": 512, "depth": 2, "dropout": 0.2, "lr": 0.00063, "weight_decay": 0.00022, "batch_size": 64,
    },
    "portfolio_6": {
        "width": 128, "depth": 1, "dropout": 0.3, "lr": 0.005, "weight_decay": 0.0024, "batch_size": 32,
    },
    "portfolio_7": {
        "width": 128, "depth": 1, "dropout": 0.1, "lr": 0.0097, "weight_decay": 0.0075, "batch_size": 128,
    },
    "portfolio_8": {
        "width": 64, "depth": 3, "dropout": 0.0, "lr": 0.0089, "weight_decay": 0.043, "batch_size": 32,
    },
    "default": {
        "width": 256, "depth": 2, "dropout": 0.1, "lr": 2e-3, "weight_decay": 1e-2, "batch_size": 32,
    },
}  # fmt: skip
"""Parameters of the search space that a study may try first, by name.

The portfolio did best together on six other tables; ``benchmarks/starts.py`` found it.
"""


def search_space(trial: BaseTrial) -> dict[str, dict[str, Any]]:
    """Suggest entries of the config under ``network``, and of the training under ``training``."""
    return {
        "network": {
            "width": trial.suggest_categorical("width", [64, 128, 256, 512]),
            "depth": trial.suggest_int("depth", 1, 3),
            "dropout": trial.suggest_float("dropout", 0.0, 0.5, step=0.1),
        },
        "training": {
            "lr": trial.suggest_float("lr", 3e-4, 1e-2, log=True),
            "weight_decay": trial.suggest_float("weight_decay", 1e-4, 0.3, log=True),
            "batch_size": trial.suggest_categorical("batch_size", [32, 64, 128]),
        },
    }
