"""The plot of graphs to choose from: loss against latency."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from models.plots import ACCENT, INK, QUIET, TITLE, WARM, bare

FAINT = "#cbd2d9"

MARKS = {"network": ("D", ACCENT), "ensemble": ("s", ACCENT), "pruned": ("o", QUIET)}
"""By kind of graph, the marker and its colour."""


def plot_front(table: pd.DataFrame, *, picked: str, budget_ms: float | None) -> Figure:
    """Every candidate of ``models.front.front_table`` by loss and latency; the front is a line of steps.

    ``picked`` names the one that is served, which is marked; a ``budget_ms`` is a dashed line.
    """
    figure = Figure(figsize=(7.2, 4.2), layout="constrained")
    axes = figure.subplots()
    front, served = table[table["front"]], table[table["name"] == picked]
    axes.step(front["latency_ms"], front["loss"], where="post", color=ACCENT, linewidth=1, alpha=0.6)
    for (kind, graph), part in table.groupby(["kind", "graph"], sort=False):
        marker, color = MARKS[str(kind)] if graph else ("X", INK)
        axes.scatter(part["latency_ms"], part["loss"], s=34, marker=marker, color=color, zorder=2)
    axes.plot(
        served["latency_ms"], served["loss"], "o", markersize=13, markerfacecolor="none", markeredgecolor=WARM
    )
    if budget_ms is not None:
        axes.axvline(budget_ms, color=WARM, linewidth=1, linestyle=(0, (4, 3)))
    axes.set(xscale="log", xlabel="milliseconds for one row, log scale", ylabel="RMSLE on validation rows")
    axes.margins(x=0.16, y=0.1)
    axes.set_title("Loss against latency; the one that is served is ringed", **TITLE)
    _name(axes, table)
    bare(axes)
    return figure


def _name(axes: Axes, table: pd.DataFrame) -> None:
    """Name the front, the whole ensemble and what is no graph; the graphs' names stand one below another."""
    graphs = table[table["graph"]]
    named = graphs[graphs["front"] | (graphs["kind"] == "ensemble")].sort_values("loss", ascending=False)
    beside = 3 * graphs["latency_ms"].max()
    line = {"arrowstyle": "-", "color": FAINT, "linewidth": 0.7, "shrinkB": 4, "relpos": (0, 0.5)}
    heights = np.linspace(0.94, 0.94 - 0.075 * (len(named) - 1), len(named))
    shown = ["name", "latency_ms", "loss"]
    points = named[shown].itertuples(index=False)
    for height, (name, latency, loss) in zip(heights, points, strict=True):
        axes.annotate(
            f"{name}, {latency:.2g} ms", (latency, loss), (beside, height),
            textcoords=axes.get_xaxis_transform(), arrowprops=line, fontsize=8, color=INK, va="center",
        )  # fmt: skip
    for name, latency, loss in table.loc[~table["graph"], shown].itertuples(index=False):
        axes.annotate(
            f"{name}, {latency:.3g} ms", (latency, loss), (0, 8),
            textcoords="offset points", fontsize=8, color=INK, ha="center",
        )  # fmt: skip
