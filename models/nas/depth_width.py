"""The space of depths and widths for tables: 56 shapes of the MLP."""

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

    def entries(self, architecture: Architecture) -> dict[str, Any]:
        """Return ``depth`` and ``width``; there is no dropout, for so short a training it only hinders."""
        depth, width = architecture
        return {"depth": int(depth), "width": int(width), "dropout": 0.0}
