"""The space of depths and widths for tables: 56 shapes of the MLP."""

from math import log2
from typing import Any

from models.nas.space import Architecture, Space


class DepthWidth(Space):
    """Layers and their width of ``mlp``; every architecture is a network of its own."""

    name, network = "mlp", "mlp"
    decisions = (
        tuple(map(str, range(1, 8))),
        tuple(map(str, (4, 8, 16, 32, 64, 128, 256, 512))),
    )

    def canonical(self, architecture: Architecture) -> Architecture:
        """Return the architecture itself."""
        return architecture

    def encode(self, architecture: Architecture) -> list[float]:
        """Return the depth, and the width's and the number of weights' logarithms."""
        depth, width = map(int, architecture)
        return [float(depth), log2(width), log2(depth * width**2)]

    def entries(self, architecture: Architecture) -> dict[str, Any]:
        """Return ``depth`` and ``width``; there is no dropout, for so short a training it only hinders."""
        depth, width = architecture
        return {"depth": int(depth), "width": int(width), "dropout": 0.0}
