"""Multi-head attention from its parts, and sinusoidal positions.

Vaswani et al., "Attention Is All You Need", NeurIPS 2017, https://arxiv.org/abs/1706.03762, sections 3.2 and
3.5. Legend: B batch, T positions that ask, S positions that are asked, D width, H heads, E width of a head.
"""

import math

import torch
from torch import Tensor, nn


class MultiHeadAttention(nn.Module):
    """softmax(Q K' / sqrt(E)) V in H heads; ``dropout`` falls on the weights."""

    def __init__(self, width: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.dropout = nn.Dropout(dropout)
        for linear in (self.query, self.key, self.value, self.out):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)

    def keys_values(self, x_BSD: Tensor) -> tuple[Tensor, Tensor]:
        """Return keys_BHSE and values_BHSE of what is asked: all that a cache needs to hold of it."""
        return self._split(self.key(x_BSD)), self._split(self.value(x_BSD))

    def weights(self, x_BTD: Tensor, keys_BHSE: Tensor, may_BHTS: Tensor) -> Tensor:
        """Return how much each position attends to each, weights_BHTS; ``may`` is False where it must not."""
        query_BHTE = self._split(self.query(x_BTD))
        scores_BHTS = query_BHTE @ keys_BHSE.transpose(2, 3) / math.sqrt(query_BHTE.shape[3])
        return torch.softmax(scores_BHTS.masked_fill(~may_BHTS, float("-inf")), dim=3)

    def forward(self, x_BTD: Tensor, keys_BHSE: Tensor, values_BHSE: Tensor, may_BHTS: Tensor) -> Tensor:
        """Return y_BTD; ``may`` broadcasts."""
        weights_BHTS = self.dropout(self.weights(x_BTD, keys_BHSE, may_BHTS))
        joint_BTD = (weights_BHTS.to(values_BHSE.dtype) @ values_BHSE).transpose(1, 2).flatten(2)
        y_BTD: Tensor = self.out(joint_BTD)
        return y_BTD

    def _split(self, x_BTD: Tensor) -> Tensor:
        rows, times, width = x_BTD.shape
        return x_BTD.view(rows, times, self.heads, width // self.heads).transpose(1, 2)


def sinusoids(positions: int, width: int) -> Tensor:
    """Return [positions, width]: sines at even, cosines at odd places, wavelengths 2 pi to 20000 pi."""
    place_T1 = torch.arange(positions, dtype=torch.float32)[:, None]
    rate_E = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000.0) / width))
    table_TD = torch.zeros(positions, width)
    table_TD[:, 0::2] = torch.sin(place_T1 * rate_E)
    table_TD[:, 1::2] = torch.cos(place_T1 * rate_E)
    return table_TD
