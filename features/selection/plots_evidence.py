"""Plots of what single methods saw: correlation clusters, the Lasso's path, SHAP beeswarm and dependence."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.figure import Figure
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from features.selection.base import Floats
from features.selection.correlation import correlation_clusters, rank_correlations
from features.selection.lasso import Lasso
from features.selection.plots import INK, QUIET, TITLE, bare

LOW_HIGH = "coolwarm"


def plot_clusters(X: pd.DataFrame, *, threshold: float = 0.7, top: int = 40) -> Figure:
    """|Spearman's rho| of the first `top` columns of X with each other, columns that say the same together.

    Squares hold columns that correlate pairwise by `threshold` or more: what grouped permutation shuffles at
    once. X has two columns or more, none constant.
    """
    table = X.iloc[:, :top]
    rho = rank_correlations(table.to_numpy())
    order = leaves_list(linkage(squareform(1 - rho, checks=False), method="complete"))
    labels = correlation_clusters(rho, threshold)[order]
    side = 0.17 * len(order) + 1.8
    figure = Figure(figsize=(side + 0.8, side), layout="constrained")
    axes = figure.subplots()
    shown = axes.imshow(rho[np.ix_(order, order)], cmap="Blues", vmin=0, vmax=1)
    for label in np.unique(labels):
        (places,) = np.nonzero(labels == label)
        if len(places) > 1:
            corner, size = places[0] - 0.5, len(places)
            square = np.array([[0, 0], [size, 0], [size, size], [0, size], [0, 0]]) + corner
            axes.plot(*square.T, color=INK, linewidth=1.1)
    names = [str(name) for name in table.columns[order]]
    axes.set_xticks(np.arange(len(names)), names, rotation=90)
    axes.set_yticks(np.arange(len(names)), names)
    axes.set_title(f"|Spearman's rho| of {len(names)} columns; squares: all pairs >= {threshold:g}", **TITLE)
    bare(axes)
    axes.tick_params(labelsize=7)
    figure.colorbar(shown, ax=axes, shrink=0.5).outline.set_visible(False)
    return figure


def plot_lasso_path(lasso: Lasso, *, names: Sequence[str], top: int = 8) -> Figure:
    """|w| of every column against the penalty of a fitted `lasso`; the `top` by score are named."""
    figure = Figure(figsize=(7.6, 4.2), layout="constrained")
    axes = figure.subplots()
    leaders = np.argsort(-lasso.scores_, kind="stable")[:top]
    colours = dict(zip(leaders.tolist(), colormaps["tab10"](np.arange(top) % 10), strict=False))
    for column, weights in enumerate(lasso.path_.T):
        named = column in colours
        axes.plot(
            lasso.alphas_,
            weights,
            color=colours.get(column, QUIET),
            linewidth=1.5 if named else 0.5,
            label=str(names[column]) if named else None,
        )
    axes.axvline(lasso.alpha_, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.set_xscale("log")
    axes.invert_xaxis()
    axes.set_xlabel("penalty alpha; dashed: chosen by cross-validation", color=INK)
    axes.set_ylabel("|weight| per standard deviation", color=INK)
    axes.set_title("The Lasso's path: which columns enter as the penalty falls", **TITLE)
    bare(axes)
    axes.legend(frameon=False, fontsize=8, labelcolor=INK)
    return figure


def plot_beeswarm(values: Floats, rows: pd.DataFrame, *, top: int = 15, seed: int = 0) -> Figure:
    """A dot for each row's SHAP value of each of the `top` columns, from low (blue) to high (red) values.

    `values` (rows, columns) are the shares of `rows`, one output of the model.
    """
    leaders = np.argsort(-np.abs(values).mean(axis=0), kind="stable")[:top]
    figure = Figure(figsize=(7.6, 0.33 * len(leaders) + 1.2), layout="constrained")
    axes = figure.subplots()
    rng = np.random.default_rng(seed)
    for place, column in enumerate(leaders):
        x, shade = values[:, column], _shade(rows.iloc[:, column])
        height = place + _spread(x, rng)
        axes.scatter(x, height, c=shade, cmap=LOW_HIGH, s=4, linewidths=0, rasterized=True)
    axes.axvline(0, color=QUIET, linewidth=0.8, zorder=0)
    axes.set_yticks(np.arange(len(leaders)), [str(rows.columns[column]) for column in leaders])
    axes.invert_yaxis()
    axes.set_xlabel("SHAP value: how far the column moves the prediction", color=INK)
    axes.set_title("What moves a prediction: low values blue, high values red", **TITLE)
    bare(axes)
    return figure


def plot_dependence(values: Floats, rows: pd.DataFrame, *, top: int = 4) -> Figure:
    """SHAP value against the column's own value, a panel for each of the `top` columns.

    `values` (rows, columns) are the shares of `rows`. Dots are coloured by the other column that explains
    most of what the own value does not: the likeliest partner of an interaction.
    """
    leaders = np.argsort(-np.abs(values).mean(axis=0), kind="stable")[:top]
    figure = Figure(figsize=(7.6, 2.5 * ((len(leaders) + 1) // 2)), layout="constrained")
    panels = np.atleast_1d(figure.subplots((len(leaders) + 1) // 2, 2, squeeze=False)).ravel()
    for axes, column in zip(panels, leaders, strict=False):
        x, y = rows.iloc[:, column].to_numpy(), values[:, column]
        partner = _partner(x, y, rows, column)
        axes.scatter(x, y, c=_shade(rows.iloc[:, partner]), cmap=LOW_HIGH, s=5, linewidths=0, rasterized=True)
        axes.axhline(0, color=QUIET, linewidth=0.8, zorder=0)
        axes.set_title(f"{rows.columns[column]}, coloured by {rows.columns[partner]}", **TITLE)
        bare(axes)
    for axes in panels[len(leaders) :]:
        axes.set_visible(False)
    return figure


def _partner(x: Floats, y: Floats, rows: pd.DataFrame, own: int) -> int:
    """Index of the column whose ranks go best, up or down, with y less its running mean over x."""
    order = np.argsort(x, kind="stable")
    window = max(len(x) // 20, 3)
    smooth = pd.Series(y[order]).rolling(window, center=True, min_periods=1).mean().to_numpy()
    rest = pd.Series(y[order] - smooth)
    rho = rows.iloc[order].reset_index(drop=True).corrwith(rest, method="spearman").abs().fillna(0).to_numpy()
    rho[own] = -1
    return int(rho.argmax())


def _spread(x: Floats, rng: np.random.Generator) -> Floats:
    """Heights within +-0.4, wider where many values of `x` lie together."""
    counts, edges = np.histogram(x, bins=40)
    density = counts[np.clip(np.digitize(x, edges[1:-1]), 0, 39)] / max(counts.max(), 1)
    heights: Floats = rng.uniform(-0.4, 0.4, len(x)) * density
    return heights


def _shade(values: "pd.Series[Any]") -> Floats:
    """In [0, 1] by rank, so that outliers do not take the colours from the rest."""
    return np.asarray(values.rank(pct=True), dtype="float64")
