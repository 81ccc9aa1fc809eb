"""A cell of operations on a directed graph of nodes, each the sum of what its edges bring.

Dong, Yang, "NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search", ICLR 2020,
https://arxiv.org/abs/2001.00326. Differences: the edge from the first node to the last is left out, which
leaves 1,166 cells that differ instead of about five thousand.

Legend: B batch, C channels, H height, W width.
"""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

NODES = 4
EDGES = ((0, 1), (0, 2), (1, 2), (1, 3), (2, 3))
"""From which node to which; node 0 is the cell's input, the last its output."""

PATHS = ((0, 3), (1, 4), (0, 2, 4))
"""The ways from input to output, as places in ``EDGES``."""

OPERATIONS = ("none", "skip", "conv1", "conv3", "pool3")


def live(operations: Sequence[str]) -> tuple[str, ...]:
    """Return the operations by edge with "none" wherever an edge changes nothing of the output.

    Raises ValueError for a wrong number of operations or an unknown one.
    """
    unknown = [each for each in operations if each not in OPERATIONS]
    if len(operations) != len(EDGES) or unknown:
        raise ValueError(
            f"expected {len(EDGES)} operations, each one of {', '.join(OPERATIONS)}, got {list(operations)}"
        )
    used = [edge for edge, operation in zip(EDGES, operations, strict=True) if operation != "none"]
    fed, needed = {0}, {NODES - 1}
    for before, after in sorted(used, key=lambda edge: edge[1]):
        if before in fed:
            fed.add(after)
    for before, after in sorted(used, key=lambda edge: -edge[1]):
        if after in needed:
            needed.add(before)
    return tuple(
        operation if before in fed and after in needed else "none"
        for (before, after), operation in zip(EDGES, operations, strict=True)
    )


class Cell(nn.Module):
    """x_BCHW -> the last node, of the same shape; ``choices`` are the operations built on each edge."""

    def __init__(self, channels: int, choices: Sequence[Sequence[str]]) -> None:
        super().__init__()
        make = partial(_operation, channels=channels)
        self.edges = nn.ModuleList(
            nn.ModuleDict({name: make(name) for name in names if name != "none"}) for names in choices
        )

    def forward(self, x_BCHW: Tensor, path: Sequence[str]) -> Tensor:
        """Walk the operations of ``path``, one an edge; a node without any is zero."""
        nodes: list[Tensor | None] = [x_BCHW, *[None] * (NODES - 1)]
        for (before, after), operations, name in zip(EDGES, self.edges, path, strict=True):
            value, sum_so_far = nodes[before], nodes[after]
            if name == "none" or value is None:
                continue
            assert isinstance(operations, nn.ModuleDict)
            brought = operations[name](value)
            nodes[after] = brought if sum_so_far is None else sum_so_far + brought
        answer = nodes[-1]
        return torch.zeros_like(x_BCHW) if answer is None else answer


def _operation(name: str, channels: int) -> nn.Module:
    if name == "skip":
        return nn.Identity()
    if name == "pool3":
        return nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)
    size = {"conv1": 1, "conv3": 3}[name]
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(channels, channels, size, padding=size // 2, bias=False),
        nn.BatchNorm2d(channels),
    )
