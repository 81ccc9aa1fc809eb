"""The model that is to be served under the bundle's own name, as the stage prune picked it."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from pipeline.errors import InputError
from pipeline.files import read_json, write_json


@dataclass(frozen=True)
class Picked:
    """``weights`` are those of a pruned ensemble's members. No measured figure: it would differ by run."""

    model: Literal["network", "ensemble", "pruned"]
    weights: dict[str, float] = field(default_factory=dict)


def write_picked(path: Path, picked: Picked) -> None:
    """Write it as JSON."""
    write_json(path, asdict(picked))


def read_picked(path: Path) -> Picked:
    """Read what ``write_picked`` wrote."""
    try:
        return Picked(**read_json(path))
    except TypeError as error:
        raise InputError(f"{path} names no picked model: run the stage prune again") from error
