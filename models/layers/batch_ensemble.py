"""Linear layers of K members that share one weight matrix.

BatchEnsemble: Wen, Tran, Ba 2020, https://arxiv.org/abs/2002.06715. Legend: B batch, K members, I inputs,
O outputs, D width.
"""

import math
from typing import Literal

import torch
from torch import Tensor, nn

ScaleInit = Literal["ones", "signs", "normal"]


def member_scales(members: int, width: int, init: ScaleInit) -> nn.Parameter:
    """Return factors KD by which the members differ: all 1, random signs, or standard normal."""
    if init == "ones":
        return nn.Parameter(torch.ones(members, width))
    if init == "signs":
        return nn.Parameter(torch.randint(0, 2, (members, width)).float() * 2 - 1)
    return nn.Parameter(torch.randn(members, width))


class BatchEnsembleLinear(nn.Module):
    """Linear layer whose weight W is shared while member k has vectors of its own: ((x * r_k) W) * s_k + b_k.

    Members start alike unless ``r_init`` says otherwise. Maps x_BKI to BKO.
    """

    def __init__(self, members: int, width_in: int, width_out: int, r_init: ScaleInit = "ones") -> None:
        super().__init__()
        self.r_KI = member_scales(members, width_in, r_init)
        self.shared = nn.Linear(width_in, width_out, bias=False)
        self.s_KO = member_scales(members, width_out, "ones")
        bound = 1.0 / math.sqrt(width_in)
        self.b_KO = nn.Parameter(torch.empty(members, width_out).uniform_(-bound, bound))

    def forward(self, x_BKI: Tensor) -> Tensor:
        """Return y_BKO."""
        y_BKO: Tensor = self.shared(x_BKI * self.r_KI) * self.s_KO + self.b_KO
        return y_BKO


class MemberHeads(nn.Module):
    """A linear layer for each member by itself, nothing shared: x_BKD -> y_BKO."""

    def __init__(self, members: int, width_in: int, width_out: int) -> None:
        super().__init__()
        bound = 1.0 / math.sqrt(width_in)
        self.w_KDO = nn.Parameter(torch.empty(members, width_in, width_out).uniform_(-bound, bound))
        self.b_KO = nn.Parameter(torch.empty(members, width_out).uniform_(-bound, bound))

    def forward(self, x_BKD: Tensor) -> Tensor:
        """Return y_BKO."""
        return torch.einsum("bkd,kdo->bko", x_BKD, self.w_KDO) + self.b_KO
