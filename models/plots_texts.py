"""Plots of what a classifier of texts does."""

from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray


def plot_by_length(words: NDArray[Any], right: NDArray[Any]) -> Figure:
    """Accuracy by the number of words, in fifths of the texts; ``words`` and ``right`` (0, 1) are [rows]."""
    edges = np.unique(np.quantile(words, np.linspace(0, 1, 6)))
    bins = np.clip(np.searchsorted(edges, words, side="right") - 1, 0, len(edges) - 2)
    shares = [right[bins == at].mean() if (bins == at).any() else 0.0 for at in range(len(edges) - 1)]
    names = [f"{low:.0f} to {high:.0f}" for low, high in pairwise(edges)]
    figure = Figure(figsize=(6, 3), layout="constrained")
    axes = figure.subplots()
    bars = axes.bar(names, shares, color="#2a6f97")
    axes.bar_label(bars, [f"{100 * share:.1f}%" for share in shares])
    axes.set(xlabel="words", ylabel="accuracy", ylim=(0, 1.1), title="Accuracy by length")
    return figure
