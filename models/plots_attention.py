"""Pictures of attention: which source tokens each token of the answer looked at."""

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure
from numpy.typing import NDArray


def plot_attention(weights: NDArray[Any], rows: Sequence[str], columns: Sequence[str]) -> Figure:
    """The mean over heads, large, and each head beside it; ``weights`` are [heads, rows, columns]."""
    heads = len(weights)
    wide = -(-heads // 4)
    figure = Figure(
        figsize=(3.2 + 0.22 * len(columns) + 1.6 * wide, 2.2 + 0.2 * len(rows)), layout="constrained"
    )
    mosaic: Any = [["mean", *(f"{row + 4 * at}" for at in range(wide))] for row in range(4)]
    ratios = [3.2, *([1.0] * wide)]
    axes = figure.subplot_mosaic(mosaic, width_ratios=ratios)
    axes["mean"].imshow(weights.mean(axis=0), cmap="Blues", vmin=0, aspect="auto")
    axes["mean"].set_xticks(range(len(columns)), columns, rotation=60, ha="right", fontsize=8)
    axes["mean"].set_yticks(range(len(rows)), rows, fontsize=8)
    axes["mean"].set(xlabel="source", ylabel="answer", title="Mean over heads")
    for head in range(4 * wide):
        small = axes[str(head)]
        small.set_xticks([])
        small.set_yticks([])
        if head < heads:
            small.imshow(weights[head], cmap="Blues", vmin=0, aspect="auto")
            small.set_title(f"head {head}", fontsize=8)
        else:
            small.axis("off")
    return figure
