"""The spaces by name, and the lesson that the architectures of each are judged on."""

from pathlib import Path

from models.data.load import load_data
from models.errors import SearchError
from models.nas.cells import Cells
from models.nas.depth_width import DepthWidth
from models.nas.lesson import Lesson, moved_digits, small_pictures
from models.nas.space import Space

SPACES: dict[str, Space] = {"cells": Cells(), "mlp": DepthWidth()}


def space_of(name: str) -> Space:
    """Return the space called ``name``; raises SearchError naming those that there are."""
    if name not in SPACES:
        raise SearchError(f"expected a space among {', '.join(SPACES)}, got {name!r}")
    return SPACES[name]


def lesson_of(space: Space, folder: Path | None = None) -> Lesson:
    """Return a space's lesson, on what is installed or, for pictures, on CIFAR-10 in ``folder``."""
    if space.network == "cell_cnn":
        return _pictures(folder)
    return _table()


def _pictures(folder: Path | None) -> Lesson:
    if folder is None:
        data = moved_digits()
    else:
        data = small_pictures(load_data("cifar10", source="folder", folder=folder))
    return Lesson(
        data,
        epochs=5,
        batch_size=64,
        network={"channels": 8},
        options={"momentum": 0.9, "weight_decay": 5e-4},
        training={"lr": 0.1, "schedule": "one_cycle"},
    )


def _table() -> Lesson:
    return Lesson(
        load_data("diabetes"),
        epochs=9,
        batch_size=32,
        training={"lr": 0.003, "schedule": "cosine", "clip_norm": 1.0},
    )
