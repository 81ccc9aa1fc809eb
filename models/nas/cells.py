"""The space of cells for pictures: five edges, five operations, 1,166 networks that differ."""

from functools import cache
from itertools import product
from typing import Any

from torch import nn

from models.layers.cell import EDGES, NODES, OPERATIONS, PATHS
from models.nas.space import Architecture, Space
from models.zoo.cell_cnn import CellCNN

Expression = tuple[Any, ...]
"""A node as the sorted tuple of its summands: the input, or an operation and the expression it is of."""

INPUT: Expression = (("input",),)


def expression(architecture: Architecture) -> Expression:
    """Return what the last node computes; equal for architectures that compute the same.

    A skip is the node it comes from, nothing is left of what is fed by nothing or leads nowhere, and sums
    have no order: the rules of NAS-Bench-201's unique strings (Dong, Yang 2020), with sums of sums flattened.
    """
    nodes: list[Expression] = [INPUT, *[()] * (NODES - 1)]
    for after in range(1, NODES):
        summands: list[Any] = []
        for (before, end), operation in zip(EDGES, architecture, strict=True):
            if end != after or operation == "none" or not nodes[before]:
                continue
            summands += nodes[before] if operation == "skip" else [(operation, nodes[before])]
        nodes[after] = tuple(sorted(summands, key=repr))
    return nodes[-1]


@cache
def _representatives() -> dict[Expression, Architecture]:
    """By expression the architecture with the fewest operations, the first of them in the order of edges."""
    found: dict[Expression, Architecture] = {}
    every = product(OPERATIONS, repeat=len(EDGES))
    for architecture in sorted(every, key=lambda each: sum(operation != "none" for operation in each)):
        found.setdefault(expression(architecture), architecture)
    return found


class Cells(Space):
    """Operations of the cells of ``cell_cnn``."""

    name, network = "cells", "cell_cnn"
    decisions = (OPERATIONS,) * len(EDGES)

    def canonical(self, architecture: Architecture) -> Architecture:
        """Return the architecture with the fewest operations that computes the same."""
        return _representatives()[expression(architecture)]

    def entries(self, architecture: Architecture) -> dict[str, Any]:
        """Return ``operations``."""
        return {"operations": architecture}

    def encode(self, architecture: Architecture) -> list[float]:
        """Return the operations by edge, and what lies on the paths from input to output.

        The paths are BANANAS' idea (White, Neiswanger, Savani 2021, https://arxiv.org/abs/1910.11858),
        counted here and not listed: how many are open and how many of them do nothing, how many layers the
        longest has, how many with weights the longest and the shortest have, and of each operation how many
        there are on all paths together and on the path that has most.
        """
        open_paths = [
            [architecture[edge] for edge in path if architecture[edge] != "skip"]
            for path in PATHS
            if all(architecture[edge] != "none" for edge in path)
        ]
        lengths = [len(path) for path in open_paths]
        weights = [sum(name.startswith("conv") for name in path) for path in open_paths] or [0]
        numbers = [len(lengths), lengths.count(0), max(lengths, default=0), max(weights), min(weights)]
        for name in ("conv1", "conv3", "pool3"):
            counts = [path.count(name) for path in open_paths] or [0]
            numbers += [sum(counts), max(counts)]
        return super().encode(architecture) + [float(number) for number in numbers]

    def shared(self, config: Any) -> nn.Module:
        """Build all operations on all edges."""
        return CellCNN(config, self.decisions)
