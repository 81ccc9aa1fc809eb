"""Grids of pictures, as files and as figures."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray


def grid(images: NDArray[np.uint8], *, columns: int = 8, gap: int = 2) -> NDArray[np.uint8]:
    """Pictures [rows, channels, height, width] side by side on white, [height, width, 3]."""
    count, _, height, width = images.shape
    lines = -(-count // columns)
    sheet = np.full((lines * (height + gap) - gap, columns * (width + gap) - gap, 3), 255, dtype=np.uint8)
    for at, image in enumerate(images):
        top, left = (at // columns) * (height + gap), (at % columns) * (width + gap)
        sheet[top : top + height, left : left + width] = image.transpose(1, 2, 0)
    return sheet


def save_grid(images: NDArray[np.uint8], path: Path, *, columns: int = 8) -> None:
    """Write the pictures as one PNG."""
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(grid(images, columns=columns)).save(path)


def plot_pair(real: NDArray[np.uint8], made: NDArray[np.uint8]) -> Figure:
    """Real pictures on the left, made ones on the right."""
    figure = Figure(figsize=(10, 5.2), layout="constrained")
    parts: Any = figure.subplots(1, 2)
    for axes, images, title in zip(parts, (real, made), ("real", "made"), strict=True):
        axes.imshow(grid(images))
        axes.set_title(title)
        axes.axis("off")
    return figure
