"""Plots of a study: what mattered, where good trials lie, what cheap steps are worth, who worked when."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from models.plots import ACCENT, INK, QUIET, TITLE, WARM, bare

FAINT = "#cbd2d9"
GOOD_TO_BAD = LinearSegmentedColormap.from_list("good to bad", [WARM, FAINT, ACCENT][::-1])
PREFIX = "param_"


def plot_importances(shares: Mapping[str, float]) -> Figure:
    """Share of the variance of the error that each parameter explains."""
    figure = Figure(figsize=(6.4, 0.34 * len(shares) + 1.0), layout="constrained")
    axes = figure.subplots()
    axes.barh(np.arange(len(shares)), list(shares.values()), color=ACCENT, height=0.62)
    for place, share in enumerate(shares.values()):
        axes.text(share, place, f" {share:.0%}", va="center", fontsize=8.5, color=INK)
    axes.set_yticks(np.arange(len(shares)), list(shares))
    axes.invert_yaxis()
    axes.margins(x=0.14)
    axes.set_title("Which parameters mattered (fANOVA)", **TITLE)
    bare(axes)
    return figure


def plot_parameters(trials: pd.DataFrame, *, metric: str, logs: Collection[str] = ()) -> Figure:
    """Value against each parameter of the complete trials, one panel a parameter; the best one is red."""
    done = _done(trials)
    names = drawn_parameters(done)
    columns = min(4, len(names))
    rows = -(-len(names) // columns)
    figure = Figure(figsize=(2.3 * columns + 0.6, 2.2 * rows + 0.4), layout="constrained")
    panels = np.atleast_1d(figure.subplots(rows, columns, sharey=True, squeeze=False)).ravel()
    best = done["value"].idxmin()
    for axes, name in zip(panels, names, strict=False):
        places, ticks = _places(done[PREFIX + name], name in logs)
        shades = np.where(done.index == best, WARM, ACCENT)
        axes.scatter(places, done["value"], s=18, c=shades, alpha=0.8, linewidths=0)
        _label(axes, "x", ticks)
        axes.set_xlabel(name, fontsize=8.5)
        bare(axes)
    for axes in panels[len(names) :]:
        axes.set_visible(False)
    figure.supylabel(metric, fontsize=8.5)
    return figure


def plot_parallel(trials: pd.DataFrame, *, metric: str, logs: Collection[str] = ()) -> Figure:
    """Each complete trial as a line over its parameters, the better the redder."""
    done = _done(trials).sort_values("value", ascending=False)
    names = drawn_parameters(done)
    figure = Figure(figsize=(7.6, 3.2), layout="constrained")
    axes = figure.subplots()
    heights = []
    for place, name in enumerate(names):
        places, ticks = _places(done[PREFIX + name], name in logs)
        low, reach = places.min(), np.ptp(places) or 1.0
        heights.append((places - low) / reach)
        axes.axvline(place, color=FAINT, linewidth=0.8, zorder=0)
        for at, text in ticks:
            axes.text(place + 0.03, (at - low) / reach, text, fontsize=7, color=QUIET, va="center")
    ranks = np.linspace(0, 1, len(done))
    for shade, line in zip(ranks, np.transpose(heights), strict=True):
        axes.plot(range(len(names)), line, color=GOOD_TO_BAD(shade), linewidth=1 + shade, alpha=0.8)
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks([])
    axes.set_title(f"Complete trials; the less their {metric}, the redder", **TITLE)
    bare(axes)
    return figure


def plot_contour(
    trials: pd.DataFrame, pair: tuple[str, str], *, metric: str, logs: Collection[str] = ()
) -> Figure:
    """Value over two parameters, between the trials by inverse distance; the trials are dots."""
    done = _done(trials)
    figure = Figure(figsize=(5.2, 3.8), layout="constrained")
    axes = figure.subplots()
    (x, x_ticks), (y, y_ticks) = (_places(done[PREFIX + name], name in logs) for name in pair)
    grid_x, grid_y = np.meshgrid(np.linspace(x.min(), x.max(), 60), np.linspace(y.min(), y.max(), 60))
    drawn = axes.contourf(
        grid_x, grid_y, _between(x, y, done["value"].to_numpy(), grid_x, grid_y),
        levels=12, cmap=GOOD_TO_BAD.reversed(),
    )  # fmt: skip
    axes.scatter(x, y, s=16, color=INK, linewidths=0)
    best = int(done["value"].to_numpy().argmin())
    axes.plot(x[best], y[best], "o", markersize=12, markerfacecolor="none", markeredgecolor=INK)
    _label(axes, "x", x_ticks)
    _label(axes, "y", y_ticks)
    axes.set(xlabel=pair[0], ylabel=pair[1])
    figure.colorbar(drawn, ax=axes, label=metric)
    axes.set_title("The two that mattered most; the best trial is ringed", **TITLE)
    bare(axes)
    return figure


def plot_audit(audits: Sequence[Mapping[str, Any]], *, floor: float, step: str) -> Figure:
    """Kendall's tau of every step against the end with its interval; hollow where it prunes nothing."""
    figure = Figure(figsize=(6.4, 2.8), layout="constrained")
    axes = figure.subplots()
    for audit in audits:
        if audit["tau"] is not None:
            face = ACCENT if audit["trusted"] else "none"
            at = audit["step"] + 1
            axes.plot([at, at], [audit["low"], audit["high"]], color=FAINT, linewidth=1.6, zorder=1)
            axes.scatter([at], [audit["tau"]], s=30, facecolors=face, edgecolors=ACCENT, zorder=2)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.axhline(floor, color=WARM, linewidth=1, linestyle=(0, (4, 3)))
    axes.set(xlabel=f"after {step}", ylabel="Kendall's tau", ylim=(-1.05, 1.05))
    axes.set_title(
        "Does the order so far agree with the order at the end? Hollow: it prunes nothing", **TITLE
    )
    bare(axes)
    return figure


def plot_timeline(stretches: pd.DataFrame) -> Figure:
    """Who ran which trial when, of ``models.tuning.evidence.timeline``; red is what a killed worker left."""
    workers = list(dict.fromkeys(stretches.sort_values("begin")["worker"]))
    figure = Figure(figsize=(7.6, 0.4 * len(workers) + 1.1), layout="constrained")
    axes = figure.subplots()
    shades = {"complete": ACCENT, "pruned": FAINT, "fail": QUIET, "left": WARM}
    for state, part in stretches.groupby("state", sort=False):
        axes.barh(
            [workers.index(worker) for worker in part["worker"]], part["end"] - part["begin"],
            left=part["begin"], height=0.6, color=shades[str(state)], edgecolor="white", linewidth=0.6,
            label=str(state),
        )  # fmt: skip
    axes.set_yticks(range(len(workers)), [worker.rsplit("/", 1)[0] for worker in workers])
    axes.invert_yaxis()
    axes.set_xlabel("seconds")
    axes.set_title("Trials by worker", **TITLE)
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    bare(axes)
    return figure


def _done(trials: pd.DataFrame) -> pd.DataFrame:
    return trials[trials["state"] == "complete"].reset_index(drop=True)


def drawn_parameters(trials: pd.DataFrame) -> list[str]:
    """Parameters that every complete trial has, and of which there is more than one value."""
    done = _done(trials)
    named = [str(name) for name in done.columns if str(name).startswith(PREFIX)]
    return [
        name.removeprefix(PREFIX) for name in named if done[name].notna().all() and len(set(done[name])) > 1
    ]


def _places(values: "pd.Series[Any]", log: bool) -> tuple[NDArray[np.float64], list[tuple[float, str]]]:
    """Where values stand on an axis, and what is written there."""
    if not pd.api.types.is_numeric_dtype(values) or values.nunique() <= 4:
        kinds = sorted(values.unique())
        return np.array([float(kinds.index(value)) for value in values]), [
            (float(place), f"{kind:g}" if isinstance(kind, float) else str(kind))
            for place, kind in enumerate(kinds)
        ]
    numbers = values.to_numpy(dtype=np.float64)
    places = np.log10(numbers) if log else numbers
    ends = np.linspace(places.min(), places.max(), 3)
    return places, [(float(at), f"{10**at if log else at:.2g}") for at in ends]


def _label(axes: Axes, side: str, ticks: Sequence[tuple[float, str]]) -> None:
    set_ticks = axes.set_xticks if side == "x" else axes.set_yticks
    set_ticks([at for at, _ in ticks], [text for _, text in ticks])


def _between(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    values: NDArray[np.float64],
    grid_x: NDArray[np.float64],
    grid_y: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Shepard's interpolation: the mean of the values, weighted by the inverse square of the distance."""
    wide, high = np.ptp(x) or 1.0, np.ptp(y) or 1.0
    squares = ((grid_x[..., None] - x) / wide) ** 2 + ((grid_y[..., None] - y) / high) ** 2
    weights = 1 / (squares + 1e-4)
    return np.asarray((weights * values).sum(axis=-1) / weights.sum(axis=-1))
