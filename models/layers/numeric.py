"""Numbers of a table made fit for a network: scaling by training statistics, and embeddings of a number.

Legend: B batch, R training rows, F columns of the table, N numbers among them, C 0/1 columns, M bins,
Q frequencies, D width of an embedding.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from models.errors import ModelError


def table_shape(x_RF: Tensor) -> dict[str, Any]:
    """Return the entries of a table network's config that the training rows decide.

    ``features`` is the table's width; ``numbers`` are the positions of the columns with more than two
    values. The others are taken for 0/1 columns, which are not scaled.
    """
    numbers = [column for column in range(x_RF.shape[1]) if len(torch.unique(x_RF[:, column])) > 2]
    return {"features": x_RF.shape[1], "numbers": tuple(numbers)}


class TableScaler(nn.Module):
    """Split a table into standardised, clipped numbers and untouched 0/1 columns: x_BF -> (z_BN, flags_BC).

    The statistics are buffers that ``calibrate`` takes from the training rows: they travel with the weights
    and into the exported graph. ``clip`` (in standard deviations) keeps an input far outside what was
    learnt from carrying the answer away.
    """

    number_index: Tensor
    flag_index: Tensor
    mean: Tensor
    deviation: Tensor

    def __init__(self, features: int, numbers: Sequence[int], clip: float = 4.0) -> None:
        super().__init__()
        flags = sorted(set(range(features)) - set(numbers))
        self.clip = clip
        self.register_buffer("number_index", torch.tensor(sorted(numbers), dtype=torch.long))
        self.register_buffer("flag_index", torch.tensor(flags, dtype=torch.long))
        self.register_buffer("mean", torch.zeros(len(numbers)))
        self.register_buffer("deviation", torch.ones(len(numbers)))

    def calibrate(self, x_RF: Tensor) -> None:
        """Take each number's mean and standard deviation; a constant keeps deviation 1.

        Raises ModelError when the rows hold a value that is not finite.
        """
        if not torch.isfinite(x_RF).all():
            raise ModelError(
                "expected encoded features without gaps, got NaN or infinity; fit the encoder first"
            )
        numbers_RN = x_RF[:, self.number_index].double()
        deviation_N = numbers_RN.std(dim=0, correction=0)
        self.mean.copy_(numbers_RN.mean(dim=0))
        self.deviation.copy_(torch.where(deviation_N > 1e-9, deviation_N, 1.0))

    def forward(self, x_BF: Tensor) -> tuple[Tensor, Tensor]:
        """Return z_BN within +-clip, and flags_BC."""
        z_BN = (x_BF[:, self.number_index] - self.mean) / self.deviation
        return z_BN.clamp(-self.clip, self.clip), x_BF[:, self.flag_index]


class PiecewiseLinearEmbedding(nn.Module):
    """Each number as its place among quantile bins, mapped to a vector of its own: z_BN -> e_BND.

    Gorishniy et al. 2022 (arXiv 2203.05556), section 3.2, in the form of Gorishniy et al. 2025: a plain
    linear term plus a piecewise one that starts at zero, so that training begins at a linear model.
    """

    edges: Tensor
    inverse: Tensor

    def __init__(self, numbers: int, bins: int, width: int) -> None:
        super().__init__()
        self.bins = bins
        self.register_buffer("edges", torch.zeros(numbers, bins))
        self.register_buffer("inverse", torch.ones(numbers, bins))
        self.linear_ND = nn.Parameter(torch.empty(numbers, width).uniform_(-1, 1))
        self.bias_ND = nn.Parameter(torch.empty(numbers, width).uniform_(-1, 1))
        self.piecewise_NMD = nn.Parameter(torch.zeros(numbers, bins, width))

    def calibrate(self, z_RN: Tensor) -> None:
        """Take the bins' edges from quantiles of scaled training rows; bins of equal edges stay unused."""
        shares = torch.linspace(0, 1, self.bins + 1, dtype=torch.double)
        for number in range(z_RN.shape[1]):
            edges = torch.unique(torch.quantile(z_RN[:, number].double(), shares))
            used = len(edges) - 1
            self.edges[number], self.inverse[number] = 0.0, 0.0
            self.edges[number, :used] = edges[:-1].float()
            self.inverse[number, :used] = (1.0 / (edges[1:] - edges[:-1])).float()

    def forward(self, z_BN: Tensor) -> Tensor:
        """Return e_BND."""
        place_BNM = ((z_BN.unsqueeze(-1) - self.edges) * self.inverse).clamp(0, 1)
        piecewise_BND = torch.einsum("bnm,nmd->bnd", place_BNM, self.piecewise_NMD)
        return piecewise_BND + z_BN.unsqueeze(-1) * self.linear_ND + self.bias_ND


class PeriodicEmbedding(nn.Module):
    """Each number as sines and cosines of learnt frequencies, mapped to a vector: z_BN -> e_BND.

    Gorishniy et al. 2022 (arXiv 2203.05556), section 3.3, "PLR": frequencies start as N(0, sigma), then a
    linear layer per number and ReLU. ``sigma`` is the hyper-parameter that matters most there.
    """

    def __init__(self, numbers: int, frequencies: int, width: int, sigma: float) -> None:
        super().__init__()
        self.frequency_NQ = nn.Parameter(torch.randn(numbers, frequencies) * sigma)
        bound = 1.0 / math.sqrt(2 * frequencies)
        self.weight_NQD = nn.Parameter(torch.empty(numbers, 2 * frequencies, width).uniform_(-bound, bound))
        self.bias_ND = nn.Parameter(torch.empty(numbers, width).uniform_(-bound, bound))

    def calibrate(self, z_RN: Tensor) -> None:
        """Take nothing from the rows: the frequencies are learnt."""

    def forward(self, z_BN: Tensor) -> Tensor:
        """Return e_BND, not negative."""
        angle_BNQ = 2 * math.pi * z_BN.unsqueeze(-1) * self.frequency_NQ
        waves_BNQ = torch.cat([angle_BNQ.cos(), angle_BNQ.sin()], dim=-1)
        return torch.relu(torch.einsum("bnq,nqd->bnd", waves_BNQ, self.weight_NQD) + self.bias_ND)
