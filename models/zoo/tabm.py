"""TabM: one MLP that imitates an ensemble of K, the strongest MLP for tables on recent benchmarks.

Paper: Gorishniy, Kotelnikov, Babenko, "TabM: Advancing Tabular Deep Learning with Parameter-Efficient
Ensembling", ICLR 2025, https://arxiv.org/abs/2410.24210. Two variants: ``full`` gives every linear layer
factors r, s and a bias per member; ``mini`` lets members differ in one factor on the input only. Either
ends in one head per member. Members see the same batch, learn by their own losses and are averaged.

Differences: scaling by training statistics lies inside the module; 0/1 columns pass unscaled beside the
embeddings; ``skip`` adds a linear path from the scaled input to each member's answer, starting at zero
(prices are nearly linear in many of their features, and little data learns that slowly through ReLUs);
8 members by default instead of 32: on two thousand rows 16 did no better and cost twice the time.

Legend: B batch, F columns, N number columns, C 0/1 columns, K members, E width of the joint input,
D width of a layer, O outputs.
"""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from optuna.trial import BaseTrial
from torch import Tensor, nn

from models.layers.batch_ensemble import BatchEnsembleLinear, MemberHeads, ScaleInit, member_scales
from models.layers.numeric import PeriodicEmbedding, PiecewiseLinearEmbedding, TableScaler


@dataclass(frozen=True)
class TabMConfig:
    """Shape of a TabM.

    ``features`` and ``numbers`` come from ``models.layers.numeric.table_shape``. ``bins`` serve the
    piecewise embedding, ``frequencies`` and ``sigma`` the periodic one. ``clip`` is in standard deviations.
    """

    features: int
    numbers: tuple[int, ...]
    outputs: int = 1
    variant: Literal["full", "mini"] = "mini"
    members: int = 8
    width: int = 128
    depth: int = 2
    dropout: float = 0.1
    embedding: Literal["none", "piecewise", "periodic"] = "periodic"
    embedding_width: int = 4
    bins: int = 8
    frequencies: int = 8
    sigma: float = 0.05
    skip: bool = True
    clip: float = 4.0


class TabM(nn.Module):
    """x_BF -> z_BKO, one answer per member; ``calibrate`` with the training rows before training."""

    def __init__(self, config: TabMConfig) -> None:
        super().__init__()
        numbers = len(config.numbers)
        flags = config.features - numbers
        self.config = config
        self.scaler = TableScaler(config.features, config.numbers, config.clip)
        self.embedding = _embedding(config, numbers)
        each = config.embedding_width if self.embedding is not None else 1
        self.body = _Body(config, numbers * each + flags)
        self.heads = MemberHeads(config.members, config.width, config.outputs)
        answers = config.members * config.outputs
        self.skip = nn.Linear(config.features, answers) if config.skip else None
        if self.skip is not None:
            nn.init.zeros_(self.skip.weight)
            nn.init.zeros_(self.skip.bias)

    def calibrate(self, x_RF: Tensor) -> None:
        """Take scaling and bins from the training rows [rows, F]."""
        self.scaler.calibrate(x_RF)
        if self.embedding is not None:
            self.embedding.calibrate(self.scaler(x_RF)[0])

    def forward(self, x_BF: Tensor) -> Tensor:
        """Return z_BKO."""
        z_BN, flags_BC = self.scaler(x_BF)
        numbers_BE = z_BN if self.embedding is None else self.embedding(z_BN).flatten(1)
        joint_BE = torch.cat([numbers_BE, flags_BC], dim=1)
        z_BKO: Tensor = self.heads(self.body(joint_BE))
        if self.skip is not None:
            z_BKO = z_BKO + self.skip(torch.cat([z_BN, flags_BC], dim=1)).view_as(z_BKO)
        return z_BKO


class _Body(nn.Module):
    """The shared MLP with the members' factors: x_BE -> h_BKD."""

    def __init__(self, config: TabMConfig, width_in: int) -> None:
        super().__init__()
        first: ScaleInit = "signs" if config.embedding == "none" else "normal"
        self.members = config.members
        self.r_KE = member_scales(config.members, width_in, first) if config.variant == "mini" else None
        layers: list[nn.Module] = []
        for layer in range(config.depth):
            widths = (width_in if layer == 0 else config.width, config.width)
            if config.variant == "mini":
                layers.append(nn.Linear(*widths))
            else:
                layers.append(BatchEnsembleLinear(config.members, *widths, first if layer == 0 else "ones"))
            layers += [nn.ReLU(), nn.Dropout(config.dropout)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x_BE: Tensor) -> Tensor:
        x_BKE = _per_member(x_BE, self.members)
        h_BKD: Tensor = self.layers(x_BKE if self.r_KE is None else x_BKE * self.r_KE)
        return h_BKD


def _per_member(x_BE: Tensor, members: int) -> Tensor:
    return x_BE.unsqueeze(1).expand(-1, members, -1)


def _embedding(config: TabMConfig, numbers: int) -> PiecewiseLinearEmbedding | PeriodicEmbedding | None:
    if config.embedding == "piecewise":
        return PiecewiseLinearEmbedding(numbers, config.bins, config.embedding_width)
    if config.embedding == "periodic":
        return PeriodicEmbedding(numbers, config.frequencies, config.embedding_width, config.sigma)
    return None


STARTS: dict[str, dict[str, Any]] = {
    "default": {
        "width": 128, "depth": 2, "dropout": 0.1, "sigma": 0.05, "lr": 2e-3, "weight_decay": 1e-2,
        "batch_size": 32,
    },
}  # fmt: skip
"""Parameters of the search space that a study may try first, by name."""


def search_space(trial: BaseTrial) -> dict[str, dict[str, Any]]:
    """Suggest entries of the config under ``network``, and of the optimiser under ``training``."""
    return {
        "network": {
            "width": trial.suggest_categorical("width", [64, 128, 256]),
            "depth": trial.suggest_int("depth", 1, 3),
            "dropout": trial.suggest_float("dropout", 0.0, 0.3, step=0.05),
            "sigma": trial.suggest_float("sigma", 0.01, 0.3, log=True),
        },
        "training": {
            "lr": trial.suggest_float("lr", 1e-3, 6e-3, log=True),
            "weight_decay": trial.suggest_float("weight_decay", 1e-3, 0.5, log=True),
            "batch_size": trial.suggest_categorical("batch_size", [32, 64]),
        },
    }
