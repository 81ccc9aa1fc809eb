"""Plots of what a classifier of pictures does: its confusions and its worst mistakes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray


def plot_confusion(truth: NDArray[Any], answers: NDArray[Any], labels: Sequence[str]) -> Figure:
    """Shares of each true class (rows) by the class answered (columns); ``truth`` and ``answers`` [rows]."""
    counts = np.zeros((len(labels), len(labels)))
    np.add.at(counts, (truth, answers), 1)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=(1.6 + 0.5 * len(labels), 1.2 + 0.45 * len(labels)))
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.argwhere(shares >= 0.005):
        shade = "white" if shares[row, column] > 0.5 else "black"
        axes.text(
            column, row, f"{100 * shares[row, column]:.0f}", ha="center", va="center", color=shade, fontsize=8
        )
    axes.set_xticks(range(len(labels)), labels, rotation=45, ha="right")
    axes.set_yticks(range(len(labels)), labels)
    axes.set(xlabel="answered", ylabel="true", title="Answers by true class, %")
    return figure


def plot_pictures(
    images: NDArray[np.uint8], captions: Sequence[str], *, title: str, columns: int = 6
) -> Figure:
    """Pictures [rows, channels, height, width] in a grid, a caption over each."""
    rows = -(-len(images) // columns)
    figure = Figure(figsize=(1.25 * columns, 1.6 * rows + 0.4), layout="constrained")
    figure.suptitle(title)
    for at, axes in enumerate(np.atleast_1d(figure.subplots(rows, columns)).ravel()):
        axes.axis("off")
        if at < len(images):
            picture = images[at].transpose(1, 2, 0)
            axes.imshow(picture[:, :, 0] if picture.shape[2] == 1 else picture, cmap="gray")
            axes.set_title(captions[at], fontsize=9)
    return figure
