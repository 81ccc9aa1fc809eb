"""Plots of models: predictions against truth, errors by slice, leaderboards, learning curves."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

INK, QUIET, ACCENT, WARM = "#1f2933", "#7b8794", "#2a6f97", "#c8553d"
SHADES = ("#b8c4ce", "#7b8794", "#2a6f97", "#c8553d", "#6a994e", "#bc8a2f")

Floats = NDArray[np.float64]
TITLE: dict[str, Any] = {"loc": "left", "fontsize": 10, "color": INK}
"""How every plot's title looks."""


def plot_predictions(y: Floats, predictions: Mapping[str, Floats], *, unit: str) -> Figure:
    """Predicted against true values on log scales, one panel a model; the line is a perfect answer."""
    figure = Figure(figsize=(3.4 * len(predictions) + 0.6, 3.6), layout="constrained")
    panels = np.atleast_1d(figure.subplots(1, len(predictions), sharex=True, sharey=True))
    ends = [min(y.min(), *(p.min() for p in predictions.values())) * 0.9, y.max() * 1.1]
    for axes, (model, predicted) in zip(panels, predictions.items(), strict=True):
        axes.plot(ends, ends, color=QUIET, linewidth=0.8)
        axes.scatter(y, predicted, s=7, color=ACCENT, alpha=0.45, linewidths=0)
        axes.set(xscale="log", yscale="log", xlim=ends, ylim=ends, xlabel=f"true, {unit}", aspect="equal")
        axes.set_title(model, **TITLE)
        _thousands(axes)
        bare(axes)
    panels[0].set_ylabel(f"predicted, {unit}")
    return figure


def plot_slices(table: pd.DataFrame, *, slicing: str) -> Figure:
    """RMSLE of each model in each slice of one `slicing` of `models.metrics.slice_metrics`, dot by dot."""
    mine = table[table["slicing"] == slicing]
    names, rows = _slice_names(mine)
    figure = Figure(figsize=(7.2, 0.27 * len(names) + 1.3), layout="constrained")
    axes = figure.subplots()
    for shade, (model, part) in zip(SHADES, mine.groupby("model", sort=False), strict=False):
        values = part.set_index("slice")["rmsle"].reindex(names)
        axes.scatter(values, np.arange(len(names)), s=26, color=shade, label=str(model), zorder=2)
    axes.set_yticks(np.arange(len(names)), [f"{name} ({rows[name]})" for name in names])
    axes.invert_yaxis()
    axes.grid(axis="y", color="#e4e7eb", linewidth=0.8, zorder=0)
    axes.set_xlabel("RMSLE (less is better)")
    axes.set_title(f"Error by {slicing.replace('_', ' ')} (rows)", **TITLE)
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    bare(axes)
    return figure


def plot_models(metrics: Mapping[str, Mapping[str, Mapping[str, float]]], *, metric: str = "rmsle") -> Figure:
    """One metric of every model with its interval."""
    figure = Figure(figsize=(6.4, 0.5 * len(metrics) + 1.1), layout="constrained")
    axes = figure.subplots()
    for place, values in enumerate(metrics.values()):
        one = values[metric]
        axes.plot([one["low"], one["high"]], [place, place], color=ACCENT, linewidth=2)
        axes.scatter([one["value"]], [place], color=ACCENT, s=36, zorder=2)
        axes.text(one["high"], place, f"  {one['value']:.4f}", va="center", fontsize=9, color=INK)
    axes.set_yticks(np.arange(len(metrics)), list(metrics))
    axes.invert_yaxis()
    axes.margins(x=0.15, y=0.2)
    axes.set_title(f"{metric.upper()} on the test split, with its interval", **TITLE)
    bare(axes)
    return figure


def plot_decomposition(table: pd.DataFrame) -> Figure:
    """Bias squared and variance of each learner of `models.decomposition.parts_table`, end to end."""
    figure = Figure(figsize=(7.2, 0.42 * len(table) + 1.5), layout="constrained")
    axes, places = figure.subplots(), np.arange(len(table))
    bias, variance, error = (table[part].to_numpy() for part in ("bias_squared", "variance", "error"))
    axes.barh(places, bias, color=ACCENT, height=0.62, label="bias², with the noise")
    axes.barh(places, variance, left=np.maximum(bias, 0), color=WARM, height=0.62, label="variance")
    for place, value in enumerate(error):
        end: dict[str, Any] = {"xy": (value, place), "xytext": (4, 0), "textcoords": "offset points"}
        axes.annotate(f"{value:.4f}", **end, va="center", fontsize=8.5, color=INK)
    axes.set_yticks(places, list(table["learner"]))
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_xlabel("mean squared error of log(1 + value), which is RMSLE² (less is better)")
    axes.set_title("Test error of refits, split into bias and variance", **TITLE)
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    bare(axes)
    return figure


def plot_leaderboard(board: pd.DataFrame, *, log_target: bool = True) -> Figure:
    """Out-of-fold error of every model of the ensemble, by level, the final one marked."""
    figure = Figure(figsize=(7.2, 0.3 * len(board) + 1.2), layout="constrained")
    axes = figure.subplots()
    shades = [WARM if final else SHADES[int(level) % 3] for level, final in board[["level", "final"]].values]  # noqa: PD011
    losses = board["oof_rmse" if "oof_rmse" in board else "oof_log_loss"]
    axes.barh(np.arange(len(board)), losses, color=shades, height=0.66)
    for place, value in enumerate(losses):
        axes.text(value, place, f" {value:.4f}", va="center", fontsize=8.5, color=INK)
    names = [f"{name} ({family})" for name, family in board[["model", "family"]].values]  # noqa: PD011
    axes.set_yticks(np.arange(len(board)), names)
    axes.invert_yaxis()
    axes.margins(x=0.14, y=0.02)
    scale = "log loss" if "oof_log_loss" in board else "RMSLE" if log_target else "RMSE"
    axes.set_title(f"Out-of-fold {scale} of the ensemble's models; the final answer in red", **TITLE)
    bare(axes)
    return figure


def plot_learning(history: pd.DataFrame, *, metric: str, best_epoch: int) -> Figure:
    """Losses and validation metric by epoch, the best epoch marked.

    Epochs count from 0 in ``history`` and ``best_epoch``, from 1 in the plot. Of the columns,
    ``loss_NAME`` is the training loss of optimiser NAME, ``loss`` that of validation.
    """
    figure = Figure(figsize=(7.2, 3.0), layout="constrained")
    left, right = figure.subplots(1, 2)
    epoch = history["epoch"] + 1
    losses = [str(name) for name in history.columns if str(name).startswith("loss")]
    for shade, name in zip((ACCENT, WARM, QUIET), losses, strict=False):
        label = "validation" if name == "loss" else f"training, {name.removeprefix('loss_')}"
        left.plot(epoch, history[name], color=shade, label=label)
    left.set(yscale="log", xlabel="epoch")
    _few(left.yaxis)
    left.set_title("Loss", **TITLE)
    left.legend(frameon=False, fontsize=8)
    right.plot(epoch, history[metric], color=ACCENT)
    right.axvline(best_epoch + 1, color=WARM, linewidth=1, linestyle=(0, (4, 3)))
    right.set(xlabel="epoch")
    right.set_title(f"Validation {metric}; best after epoch {best_epoch + 1}", **TITLE)
    for axes in (left, right):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        bare(axes)
    return figure


def plot_study(trials: pd.DataFrame, *, metric: str) -> Figure:
    """Value of every finished trial in order, pruned ones hollow, with the best so far as a line."""
    figure = Figure(figsize=(7.2, 3.0), layout="constrained")
    axes = figure.subplots()
    done = trials[trials["state"] == "complete"]
    pruned = trials[trials["state"] == "pruned"]
    axes.scatter(done["number"], done["value"], color=ACCENT, s=24, label="complete", zorder=2)
    axes.scatter(pruned["number"], pruned["value"], s=24, facecolors="none", edgecolors=QUIET, label="pruned")
    axes.step(
        done["number"], done["value"].cummin(), where="post", color=WARM, linewidth=1.4, label="best so far"
    )
    axes.set(xlabel="trial", ylabel=metric)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_title(f"The study: {len(done)} complete, {len(pruned)} pruned trials", **TITLE)
    axes.legend(frameon=False, fontsize=8)
    bare(axes)
    return figure


def _slice_names(table: pd.DataFrame) -> tuple[list[str], dict[str, int]]:
    """Slices from the hardest for the last model to the easiest, and their row counts."""
    last = table[table["model"] == table["model"].iloc[-1]].sort_values("rmsle", ascending=False)
    return list(last["slice"]), dict(zip(last["slice"], last["rows"], strict=True))


def _thousands(axes: Axes) -> None:
    """Few round numbers on log axes, such as 50k, 100k, 200k."""
    for axis in (axes.xaxis, axes.yaxis):
        _few(axis)
        axis.set_major_formatter(
            FuncFormatter(lambda value, _: f"{value / 1000:g}k" if value >= 1000 else f"{value:g}")
        )


def _few(axis: Axis) -> None:
    """Round numbers alone on a log axis, written as people write them."""
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())


def bare(axes: Axes) -> None:
    """Take away what frames a plot and shows nothing."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#cbd2d9")
    axes.tick_params(length=0, labelsize=8.5, labelcolor=INK)
