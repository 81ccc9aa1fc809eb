"""The table of a space: every architecture trained once, as lines of text that a killed run goes on with."""

import csv
import gzip
import io
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from models.errors import SearchError
from models.nas.space import Architecture, Space
from models.nas.training import Measured

Rows = dict[tuple[Architecture, int], Measured]


@dataclass(frozen=True)
class Table:
    """Measured rows by (architecture, seed), and ``about``: the lesson that they were measured on."""

    space: Space
    about: dict[str, Any]
    rows: Rows

    @property
    def architectures(self) -> tuple[Architecture, ...]:
        """Those that have a row of the first seed, in the space's order."""
        return tuple(each for each in self.space.architectures if (each, 0) in self.rows)

    @property
    def complete(self) -> bool:
        """Whether every architecture of the space has a row."""
        return len(self.architectures) == len(self.space.architectures)

    def seen(self, architecture: Architecture, epochs: int) -> float:
        """Return the validation score of seed 0 after so many epochs: what a method is shown."""
        return self._row(architecture).validation[epochs - 1]

    def true(self, architecture: Architecture) -> float:
        """Return the mean test score over all seeds: what a method is judged by."""
        self._row(architecture)
        return float(np.mean(self._tests[architecture]))

    @cached_property
    def _tests(self) -> dict[Architecture, list[float]]:
        found: dict[Architecture, list[float]] = {}
        for (architecture, _), row in self.rows.items():
            found.setdefault(architecture, []).append(row.test)
        return found

    def _row(self, architecture: Architecture) -> Measured:
        row = self.rows.get((architecture, 0))
        if row is None:
            raise SearchError(
                f"expected one of the table's {len(self.architectures)} architectures, got "
                f"{'|'.join(architecture)}; measure the rest with python -m models.nas.exhaustive"
            )
        return row


def packaged(space: Space) -> Table:
    """Read the table that comes with the package; raises SearchError if there is none for the space."""
    file = files("models.nas") / "tables" / f"{space.name}.csv.gz"
    try:
        content = gzip.decompress(file.read_bytes()).decode()
    except OSError as error:
        raise SearchError(
            f"expected a table of {space.name} in the package, got: {error}; make one with "
            f"python -m models.nas.exhaustive --space {space.name}"
        ) from error
    return parse(space, content, f"{space.name}.csv.gz")


def read(space: Space, path: Path) -> Table:
    """Read a table, packed or not; raises SearchError for one that cannot be read."""
    try:
        content = path.read_bytes()
        plain = gzip.decompress(content) if path.suffix == ".gz" else content
    except (OSError, EOFError) as error:
        raise SearchError(f"expected a table of {space.name} at {path}, got: {error}") from error
    return parse(space, plain.decode(), str(path))


def parse(space: Space, content: str, where: str) -> Table:
    """Read a table's text; a last line without its end, which a kill leaves, is no row."""
    first, _, rest = content.partition("\n")
    try:
        about = json.loads(first.removeprefix("# "))
        whole = rest[: rest.rfind("\n") + 1]
        rows = [_measured(row) for row in csv.DictReader(io.StringIO(whole))]
    except (ValueError, KeyError, TypeError) as error:
        raise SearchError(
            f"{where}: expected a table of architectures, could not read it: {error}"
        ) from error
    if about.get("space") != space.name:
        raise SearchError(f"{where}: expected a table of {space.name}, got one of {about.get('space')}")
    return Table(space, about, {(row.architecture, row.seed): row for row in rows})


def start(path: Path, about: dict[str, Any], epochs: int) -> None:
    """Begin a table, or drop the line that a kill has torn; raises SearchError for a table of other terms."""
    head = f"# {json.dumps(about, sort_keys=True)}\n{','.join(_columns(epochs))}\n"
    if not path.exists() or path.stat().st_size < len(head.encode()):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(head, encoding="utf-8")
        return
    content = path.read_text(encoding="utf-8")
    if not content.startswith(head):
        raise SearchError(
            f"{path}: expected a table measured as {json.dumps(about, sort_keys=True)}, got another; "
            "name another file"
        )
    path.write_text(content[: content.rfind("\n") + 1], encoding="utf-8")


def append(path: Path, row: Measured) -> None:
    """Add one row, on the disk when this returns."""
    line = [
        "|".join(row.architecture), row.seed, *(f"{each:.5f}" for each in row.validation),
        f"{row.test:.5f}", row.parameters, row.multiply_adds,
    ]  # fmt: skip
    with path.open("a", encoding="utf-8") as file:
        file.write(",".join(map(str, line)) + "\n")
        file.flush()
        os.fsync(file.fileno())


def pack(path: Path, packed: Path) -> None:
    """Write a table sorted and compressed, the same bytes for the same rows."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    body = "".join([*lines[:2], *sorted(line for line in lines[2:] if line.endswith("\n"))])
    packed.parent.mkdir(parents=True, exist_ok=True)
    packed.write_bytes(gzip.compress(body.encode(), mtime=0))


def _columns(epochs: int) -> Sequence[str]:
    validation = [f"validation_{epoch}" for epoch in range(1, epochs + 1)]
    return ["architecture", "seed", *validation, "test", "parameters", "multiply_adds"]


def _measured(row: dict[str, str]) -> Measured:
    return Measured(
        tuple(row["architecture"].split("|")), int(row["seed"]), tuple(_scores(row)),
        float(row["test"]), int(row["parameters"]), int(row["multiply_adds"]),
    )  # fmt: skip


def _scores(row: dict[str, str]) -> Iterator[float]:
    return (float(value) for name, value in row.items() if name.startswith("validation_"))
