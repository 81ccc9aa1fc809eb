"""Plots of architecture search: best so far by compute, regrets, rankings against the truth."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray
from scipy.stats import rankdata

from models.plots import ACCENT, INK, QUIET, TITLE, WARM, bare

FAINT = "#cbd2d9"
POINTS = 120
Floats = NDArray[np.float64]
Curve = Sequence[tuple[float, float]]
"""Points (share of exhaustive compute, value so far), in order: a value holds until the next point."""


def plot_progress(curves: Mapping[str, Sequence[Curve]], *, value: str, best: float, share: float) -> Figure:
    """Best so far against compute, a panel a method: median and middle half of the seeds.

    ``curves`` hold one curve a seed, ``best`` is the best of all architectures, ``share`` the budget. The
    first method is grey in every panel.
    """
    names = list(curves)
    figure, panels = _panels(len(names))
    grid = np.linspace(0, share, POINTS)
    bands = {name: _band(runs, grid) for name, runs in curves.items()}
    for axes, name in zip(panels, names, strict=False):
        low, middle, high = bands[name]
        axes.plot(grid, bands[names[0]][1], color=FAINT, linewidth=1.4)
        axes.fill_between(grid, low, high, color=ACCENT, alpha=0.2, linewidth=0)
        axes.plot(grid, middle, color=ACCENT, linewidth=1.6)
        axes.axhline(best, color=WARM, linewidth=1, linestyle=(0, (4, 3)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.1%}".replace(".0%", "%")))
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.set_title(name.replace("_", " "), **TITLE)
        bare(axes)
    starts = [band[1][np.isfinite(band[1])] for band in bands.values()]
    least = min((values.min() for values in starts if len(values)), default=best - 1)
    panels[0].set_ylim(best - 1.05 * (best - least) - 1e-9, best + 0.06 * (best - least) + 1e-9)
    figure.supylabel(f"{value}, best so far", fontsize=9, color=INK)
    figure.supxlabel(
        f"share of exhaustive compute; blue: median and middle half of the seeds; grey: {names[0]}; "
        "red: the best of all",
        fontsize=8.5, color=QUIET,
    )  # fmt: skip
    return figure


def plot_search(
    trials: Sequence[tuple[float, float, bool]], *, value: str, unit: str, best: float | None
) -> Figure:
    """One search: every trial by what had been spent, short trainings hollow, and the best so far.

    ``trials`` are (spent, score, trained in full); ``best`` is the best of all architectures, where known.
    """
    spent, scores = (np.array([trial[at] for trial in trials], dtype=np.float64) for at in (0, 1))
    full = np.array([trial[2] for trial in trials])
    figure = Figure(figsize=(7.2, 3.0), layout="constrained")
    axes = figure.subplots()
    axes.scatter(
        spent[full], scores[full], s=20, color=ACCENT, linewidths=0, label="trained in full", zorder=2
    )
    if not full.all():
        hollow: dict[str, Any] = {"facecolors": "none", "edgecolors": QUIET, "label": "a few epochs"}
        axes.scatter(spent[~full], scores[~full], s=20, **hollow)
    held = np.maximum.accumulate(scores[full])
    axes.step([*spent[full], spent[-1]], [*held, held[-1]], where="post", color=WARM, label="best so far")
    if best is not None:
        axes.axhline(best, color=INK, linewidth=1, linestyle=(0, (4, 3)), label="best of all")
    axes.set_xlabel(unit, fontsize=9)
    axes.set_ylabel(value, fontsize=9)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda steps, _: f"{steps:,.0f}"))
    axes.set_title(f"The search: {full.sum()} trained in full of {len(trials)}", **TITLE)
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    bare(axes)
    return figure


def plot_regrets(regrets: Mapping[str, Sequence[float]], *, top: float, ceiling: float) -> Figure:
    """The regret of each seed's answer as a dot, the median as a bar; methods by their median.

    ``top`` is the regret within which the true top 1% lie, ``ceiling`` that of the best validation score of
    all architectures.
    """
    names = sorted(regrets, key=lambda name: float(np.median(regrets[name])))
    figure = Figure(figsize=(7.2, 0.34 * len(names) + 1.5), layout="constrained")
    axes = figure.subplots()
    axes.axvspan(0, top, color=ACCENT, alpha=0.12, linewidth=0, label="true top 1%")
    axes.axvline(
        ceiling, color=WARM, linewidth=1, linestyle=(0, (4, 3)), label="best validation score of all"
    )
    for place, name in enumerate(names):
        values = np.asarray(regrets[name])
        spread = np.linspace(-0.22, 0.22, len(values)) if len(values) > 1 else np.zeros(1)
        axes.scatter(np.sort(values), place + spread, s=16, color=ACCENT, alpha=0.7, linewidths=0, zorder=3)
        axes.plot([np.median(values)] * 2, [place - 0.34, place + 0.34], color=INK, linewidth=2, zorder=4)
    axes.set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
    axes.invert_yaxis()
    axes.set_xlim(left=-0.02 * max(max(values) for values in regrets.values()) - 1e-9)
    axes.set_xlabel("regret: true score of the best architecture less that of the answer", fontsize=9)
    axes.set_title("What each method returned, seed by seed; bar: median", **TITLE)
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    bare(axes)
    return figure


def plot_ranks(pairs: Mapping[str, tuple[Floats, Floats, float]]) -> Figure:
    """A method's place of each architecture against its true place, a panel a method; 1 is the best.

    ``pairs`` hold guesses, true scores (more is better) and Kendall's tau.
    """
    figure, panels = _panels(len(pairs), height=2.15, share=False)
    for axes, (name, (guessed, true, tau)) in zip(panels, pairs.items(), strict=False):
        places = [rankdata(-values) for values in (true, guessed)]
        count = len(true)
        axes.plot([1, count], [1, count], color=FAINT, linewidth=1)
        axes.scatter(
            places[0],
            places[1],
            s=max(3, 40 - count / 15),
            color=ACCENT,
            alpha=0.45,
            linewidths=0,
            clip_on=False,
        )
        axes.set(xlim=(count + 0.5, 0.5), ylim=(count + 0.5, 0.5), aspect="equal")
        ticks = sorted({1, (count + 1) // 2, count})
        axes.set_xticks(ticks)
        # The corner is written once, below.
        axes.set_yticks(ticks[:-1])
        axes.set_title(f"{name.replace('_', ' ')}  τ {tau:.2f}", **TITLE)
        bare(axes)
    figure.supxlabel("true place", fontsize=9, color=INK)
    figure.supylabel("the method's place", fontsize=9, color=INK)
    return figure


def _band(runs: Sequence[Curve], grid: Floats) -> tuple[Floats, Floats, Floats]:
    """Lower quartile, median and upper quartile of curves on a grid; NaN before half of them have begun."""
    held = np.full((len(runs), len(grid)), -np.inf)
    for row, curve in zip(held, runs, strict=True):
        for at, value in curve:
            row[grid >= at] = value
    quarters = [np.quantile(held, share, axis=0, method="nearest") for share in (0.25, 0.5, 0.75)]
    low, middle, high = (np.where(np.isfinite(each), each, np.nan) for each in quarters)
    return low, middle, high


def _panels(count: int, *, height: float = 1.75, share: bool = True) -> tuple[Figure, list[Axes]]:
    """Panels in rows of four, as many as asked for."""
    columns = min(4, count)
    rows = -(-count // columns)
    figure = Figure(figsize=(2.35 * columns + 0.7, height * rows + 0.7), layout="constrained")
    panels = list(np.ravel(figure.subplots(rows, columns, sharex=share, sharey=share, squeeze=False)))
    for axes in panels[count:]:
        axes.set_visible(False)
    for axes in panels[max(0, count - columns) : count]:
        # The lowest of its column, which need not stand in the last row.
        axes.tick_params(labelbottom=True)
    return figure, panels
