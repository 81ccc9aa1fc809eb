"""Plots of a bake-off: score and stability against the number of columns, one line for each method."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from features.selection.bake_off import BakeOff
from features.selection.plots import ACCENT, EXCELLENT, INK, POOR, QUIET, TITLE, bare

STYLES = [
    {"color": colour, "marker": marker}
    for marker in ("o", "s", "^")
    for colour in ("#c8553d", "#588157", "#8e6c8a", "#d9a441", "#4d7ea8", "#7b8794")
]


def plot_score_by_size(bake_off: BakeOff) -> Figure:
    """Mean score of every method at every size, with its interval; the winner is ringed.

    The line across is one standard error below the best mean: the fewest columns above it win.
    """
    table, (method, size) = bake_off.summary(), bake_off.winner()
    figure, axes = _panel()
    best = table.loc[table["score"].idxmax()]
    bar = float(best["score"]) - float(best["standard_error"])
    axes.axhline(bar, color=QUIET, linewidth=0.8, linestyle=(0, (4, 3)))
    for place, (name, rows) in enumerate(table.groupby("method", sort=False)):
        shift = 1 + 0.025 * (place - (len(bake_off.rankings.methods) - 1) / 2)
        reach = np.vstack([rows["score"] - rows["low"], rows["high"] - rows["score"]])
        axes.errorbar(
            rows["size"] * shift, rows["score"], reach, label=str(name), elinewidth=0.7, **_style(place, name)
        )
        won = rows[(rows["method"] == method) & (rows["size"] == size)]
        axes.plot(won["size"] * shift, won["score"], "o", markersize=13, fillstyle="none", color=INK)
    _sizes(axes, table)
    axes.set_ylabel(bake_off.metric, color=INK)
    axes.set_title(f"Out-of-sample score by columns kept: {method} at {size} wins", **TITLE)
    return figure


def plot_stability_by_size(bake_off: BakeOff) -> Figure:
    """Nogueira's index of every method over the outer folds, at every size but all columns."""
    table = bake_off.summary().dropna(subset="stability")
    figure, axes = _panel()
    for level, word in ((POOR, "poor below"), (EXCELLENT, "excellent above")):
        axes.axhline(level, color=QUIET, linewidth=0.8, linestyle=(0, (4, 3)))
        axes.text(1.0, level, f" {word}", transform=axes.get_yaxis_transform(), color=QUIET, fontsize=8)
    for place, (name, rows) in enumerate(table.groupby("method", sort=False)):
        axes.plot(rows["size"], rows["stability"], label=str(name), **_style(place, name))
    _sizes(axes, table)
    axes.set_ylim(min(0.0, float(table["stability"].min())) - 0.03, 1.03)
    axes.set_title("Stability over the outer folds (1: always the same columns)", **TITLE)
    return figure


def _panel() -> tuple[Figure, Axes]:
    figure = Figure(figsize=(7.6, 4.2), layout="constrained")
    return figure, figure.subplots()


def _style(place: int, name: object) -> dict[str, Any]:
    first = name == "consensus"
    style: dict[str, Any] = {"color": ACCENT, "marker": "o"} if first else STYLES[place % len(STYLES)]
    return {**style, "linewidth": 2.0 if first else 1.1, "markersize": 4}


def _sizes(axes: Axes, table: pd.DataFrame) -> None:
    sizes = sorted(set(table["size"]))
    axes.set_xscale("log")
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("columns kept", color=INK)
    bare(axes)
    axes.grid(axis="y", color=QUIET, alpha=0.2, linewidth=0.6)
    axes.legend(frameon=False, fontsize=8, labelcolor=INK, ncols=2, loc="lower right")
