"""The page of one architecture search: what was found, how the search went, the winner drawn."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import kendalltau

from models.layers.cell import EDGES
from models.nas.history import History
from models.nas.judge import Truth, paired
from models.nas.space import Space
from models.nas.table import Table
from models.plots_cell import plot_cell
from models.plots_nas import plot_ranks, plot_search
from pipeline.figures import save_figure
from pipeline.files import write_text
from pipeline.report import data_uri, template

CAPTIONS = {
    "search": "Every training by what had been spent, and the best so far.",
    "cell": "The winner's cell: arrows are operations, + sums what comes in.",
    "progress": "Best validation score so far: median and middle half of the seeds.",
    "regrets": "How far from the best architecture the answers are.",
    "ranks": "The method's own ranking of architectures against the true one; of several seeds the first.",
}
SCORES = {"cells": "validation accuracy", "mlp": "validation RMSLE, negative"}
"""What a method sees of an architecture; more is better."""


def search_figures(space: Space, history: History, method: str, table: Table | None) -> dict[str, Figure]:
    """The plots of one search; with the `table` of all architectures also how right its ranking is."""
    trials = [(trial.spent, trial.score, trial.epochs == history.full) for trial in history.trials]
    best = max(table.seen(each, history.full) for each in table.architectures) if table else None
    unit = "steps spent: rows forwards and back"
    figures = {"search": plot_search(trials, value=SCORES[space.name], unit=unit, best=best)}
    if space.network == "cell_cnn":
        title = f"What {method.replace('_', ' ')} found"
        figures["cell"] = plot_cell(history.best.architecture, EDGES, title=title)
    if table and (ranks := rank_pairs({method: history}, Truth(table))):
        figures["ranks"] = plot_ranks(ranks)
    return figures


def rank_pairs(
    histories: Mapping[str, History], truth: Truth
) -> dict[str, tuple[np.ndarray, np.ndarray, float]]:
    """By method that ranks: its guesses, the true scores of the same architectures, Kendall's tau."""
    found = {}
    for method, history in histories.items():
        guessed, true = paired(history.ranking, truth)
        if len(guessed) > 1:
            found[method] = (guessed, true, float(kendalltau(guessed, true)[0]))
    return found


def write_page(
    folder: Path,
    title: str,
    lines: Sequence[str],
    figures: Mapping[str, Figure],
    table: Sequence[Sequence[str]] = (),
) -> None:
    """Write each figure as NAME.svg and `index.html`, which holds them all and needs no network.

    `lines` are told first; `table` has its heads in the first row.
    """
    for name, figure in figures.items():
        save_figure(folder / f"{name}.svg", figure)
    pictures = [(CAPTIONS[name], data_uri(folder / f"{name}.svg")) for name in figures]
    page = template("nas.html").render(
        title=title, lines=lines, pictures=pictures, heads=table[0] if table else (), rows=table[1:]
    )
    write_text(folder / "index.html", page)
