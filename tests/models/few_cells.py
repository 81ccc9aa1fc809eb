"""A few cells and a short lesson, for tests of the search."""

from models.nas.catalog import SPACES
from models.nas.lesson import Lesson, moved_digits
from models.nas.space import Space


class Few(Space):
    """Six cells of the space of cells."""

    name, network = "cells", "cell_cnn"
    decisions = (("none", "conv1"), ("skip", "conv1", "conv3"), ("none",), ("none",), ("skip",))

    def canonical(self, architecture):
        return SPACES["cells"].canonical(architecture)

    def entries(self, architecture):
        return {"operations": architecture}


def small(epochs: int = 2) -> Lesson:
    return Lesson(
        moved_digits(train=96, validation=60, test=60), epochs=epochs, batch_size=32,
        network={"channels": 4}, training={"lr": 0.1, "schedule": "one_cycle"},
    )  # fmt: skip
