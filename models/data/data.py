"""A set of data as the zoo learns from it: three splits, the names of its classes, and where it came from."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from torch import Tensor

Source = Literal["embedded", "folder", "hub"]

Part = Mapping[str, Tensor | Sequence[str]]
"""Columns of one split by name, equally long.

``image`` uint8 [rows, channels, height, width], ``label`` int64 [rows], ``text``, ``source`` and ``target``
lists of str, ``x`` float32 [rows, features], ``y`` float32 [rows]: a set has those that its kind needs.
"""


@dataclass(frozen=True)
class Origin:
    """Where the rows came from, for the metrics file: nobody is to take digits for MNIST.

    ``detail`` says it in words; ``rows`` counts by split; ``digest`` is the SHA-256 of what was read.
    """

    name: str
    source: Source
    detail: str
    rows: Mapping[str, int]
    digest: str

    def to_dict(self) -> dict[str, Any]:
        """The origin as JSON takes it."""
        return asdict(self)


@dataclass(frozen=True)
class Data:
    """Three splits that share no row; ``labels`` name the classes by their number, if there are classes."""

    train: Part
    validation: Part
    test: Part
    labels: tuple[str, ...]
    origin: Origin


def length(part: Part) -> int:
    """Return the number of rows of a split."""
    return len(next(iter(part.values())))


def head(part: Part, rows: int) -> Part:
    """Return the first ``rows`` rows of a split."""
    return {name: column[:rows] for name, column in part.items()}
