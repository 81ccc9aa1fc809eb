"""Plots of a selection: rankings side by side, scores, stability and how often a column is chosen."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from features.selection.consensus import ranks
from features.selection.stability import Stability

INK, QUIET, ACCENT = "#1f2933", "#7b8794", "#2a6f97"
TITLE: dict[str, Any] = {"loc": "left", "fontsize": 10, "color": INK}
POOR, EXCELLENT = 0.4, 0.75  # Nogueira and others 2018, section 7, after Fleiss's kappa


def plot_rankings(scores: pd.DataFrame, *, top: int = 25) -> Figure:
    """Each method's rank of the first `top` columns of `scores` (columns x methods, best first), shaded."""
    table = ranks(scores).head(top)
    shade = 1 - (table.to_numpy() - 1) / max(len(scores) - 1, 1)
    figure, axes = _table(
        shade, table.index, table.columns, [[f"{rank:g}" for rank in row] for row in table.to_numpy()]
    )
    axes.set_title(f"Rank by method: {len(table)} of {len(scores)} columns, best on average first", **TITLE)
    return figure


def plot_frequency(stability: Stability, order: "pd.Index[str]", *, top: int = 25) -> Figure:
    """In what share of the resamples each method chose the first `top` columns of `order`, shaded."""
    table = stability.frequency.loc[order].head(top)
    shade = table.to_numpy()
    figure, axes = _table(
        shade, table.index, table.columns, [[f"{share:.0%}" for share in row] for row in shade]
    )
    draws = stability.scores.index.get_level_values("resample").nunique()
    axes.set_title(f"Chosen among the best {stability.keep}, share of {draws} resamples", **TITLE)
    return figure


def plot_scores(scores: pd.DataFrame, *, top: int = 25) -> Figure:
    """Bars of every method's own score for the `top` columns of `scores` (columns x methods, best first)."""
    table = scores.head(top)
    figure = Figure(figsize=(2.0 * table.shape[1] + 1.6, 0.24 * len(table) + 1.1), layout="constrained")
    panels = np.atleast_1d(figure.subplots(1, table.shape[1], sharey=True))
    for axes, method in zip(panels, table.columns, strict=True):
        axes.barh(np.arange(len(table)), table[method], color=ACCENT, height=0.68)
        axes.set_title(str(method), **TITLE)
        axes.axvline(0, color=QUIET, linewidth=0.8)
        axes.locator_params(axis="x", nbins=3)
        axes.margins(y=0.01)
        bare(axes)
    panels[0].set_yticks(np.arange(len(table)), [str(name) for name in table.index])
    panels[0].invert_yaxis()
    return figure


def plot_stability(stability: Stability) -> Figure:
    """Bars of Nogueira's index by method at `stability.keep` columns, with the seconds of one fit."""
    index = stability.index().sort_values()
    figure = Figure(figsize=(7.2, 0.42 * len(index) + 1.3), layout="constrained")
    axes = figure.subplots()
    axes.barh(np.arange(len(index)), index, color=ACCENT, height=0.62)
    for place, (method, value) in enumerate(index.items()):
        seconds = stability.seconds.get(method)
        cost = "" if seconds is None else f", {seconds:.2g} s a fit"
        axes.text(
            max(value, 0) + 0.01, place, f"{value:.2f}{cost}", va="center", color=INK, fontsize=9, bbox=_PAPER
        )
    for level, word in ((POOR, "poor below"), (EXCELLENT, "excellent above")):
        axes.axvline(level, color=QUIET, linewidth=0.8, linestyle=(0, (4, 3)), zorder=0)
        axes.text(level, len(index) - 0.45, word, ha="center", va="bottom", color=QUIET, fontsize=8)
    axes.set_yticks(np.arange(len(index)), [str(method) for method in index.index])
    axes.set(xlim=(min(0.0, float(index.min())), 1.22), xticks=np.linspace(0, 1, 6))
    axes.set_title(f"Stability of the best {stability.keep} columns (1: always the same)", pad=18, **TITLE)
    bare(axes)
    return figure


_PAPER: dict[str, Any] = {"facecolor": "white", "edgecolor": "none", "pad": 1}


def _table(
    shade: NDArray[np.float64], rows: "pd.Index[Any]", columns: "pd.Index[Any]", texts: list[list[str]]
) -> tuple[Figure, Axes]:
    """A table of `texts`, each cell as dark as its `shade` (0 to 1)."""
    figure = Figure(figsize=(1.05 * len(columns) + 2.2, 0.26 * len(rows) + 1.0), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shade**2, cmap="Blues", vmin=0, vmax=1.25, aspect="auto")
    for i, row in enumerate(texts):
        for j, text in enumerate(row):
            colour = "white" if shade[i, j] ** 2 > 0.7 else INK
            axes.text(j, i, text, ha="center", va="center", fontsize=8.5, color=colour)
    axes.set_xticks(np.arange(len(columns)), [str(name) for name in columns])
    axes.set_yticks(np.arange(len(rows)), [str(name) for name in rows])
    axes.xaxis.tick_top()
    bare(axes)
    return figure, axes


def bare(axes: Axes) -> None:
    """Take away the frame and the tick marks of `axes`."""
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize=9, labelcolor=INK)
