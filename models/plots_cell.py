"""Plot of a cell: its nodes and the operations between them."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch

from models.plots import ACCENT, INK, QUIET, TITLE, WARM

PLACES = ((0.0, 0.0), (1.0, 0.62), (2.0, -0.62), (3.0, 0.0))
"""Where the nodes of a cell are drawn: input, two in between, output."""
SHADES = {"skip": QUIET, "conv1": ACCENT, "conv3": WARM, "pool3": "#6a994e"}
WORDS = {"skip": "skip", "conv1": "1x1", "conv3": "3x3", "pool3": "pool 3x3"}


def plot_cell(operations: Sequence[str], edges: Sequence[tuple[int, int]], *, title: str) -> Figure:
    """A cell of four nodes as a graph, its operations beside the arrows; edges of "none" are left out."""
    figure = Figure(figsize=(6.4, 2.9), layout="constrained")
    axes = figure.subplots()
    used = {0, len(PLACES) - 1}
    for (before, after), name in zip(edges, operations, strict=True):
        if name != "none":
            used |= {before, after}
            _arrow(axes, PLACES[before], PLACES[after], name)
    words = {0: "in", len(PLACES) - 1: "out"}
    for node in sorted(used):
        axes.add_patch(Circle(PLACES[node], 0.17, facecolor="white", edgecolor=INK, linewidth=1.3, zorder=3))
        axes.text(
            *PLACES[node], words.get(node, "+"), ha="center", va="center", fontsize=9, color=INK, zorder=4
        )
    axes.set(xlim=(-0.35, 3.35), ylim=(-0.95, 0.95), aspect="equal")
    axes.set_axis_off()
    axes.set_title(title, **TITLE)
    return figure


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], name: str) -> None:
    shade: dict[str, Any] = {"color": SHADES[name]}
    axes.add_patch(
        FancyArrowPatch(
            start, end, arrowstyle="-|>", mutation_scale=13, linewidth=2 if "conv" in name else 1.4,
            shrinkA=19, shrinkB=19, linestyle=(0, (3, 2)) if name == "skip" else "-", **shade,
        )
    )  # fmt: skip
    middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
    axes.text(*middle, WORDS[name], ha="center", va="center", fontsize=9, bbox=box, zorder=2, **shade)
