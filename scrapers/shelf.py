"""Records on disk while a site is read: a row takes a few bytes of memory, however many fields it has."""

import marshal
import os
import tempfile
import weakref
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast, overload

from scrapers.records import Record


class Shelf:
    """Rows in a file, each of one of several kinds.

    The file has no name and is gone with this object, unless `path` is given: then another process can get
    the shelf as a pickle, for as long as the file is there when that is read.
    """

    def __init__(self, names: Sequence[Sequence[str]], path: Path | None = None) -> None:
        self._names = [tuple(each) for each in names]
        self._path = path
        self._file = cast("BinaryIO", tempfile.TemporaryFile() if path is None else path.open("w+b"))  # noqa: SIM115 - it lives as long as the shelf
        self._starts = array("Q")
        self._end = 0
        weakref.finalize(self, self._file.close)

    def __getstate__(self) -> dict[str, Any]:
        if self._path is None:
            raise TypeError("a shelf whose file has no name stays in its process")
        self._file.flush()
        return {name: value for name, value in self.__dict__.items() if name != "_file"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        assert self._path is not None
        self._file = self._path.open("r+b")
        weakref.finalize(self, self._file.close)

    def put(self, kind: int, record: Record) -> int:
        """Keep a record of the kind with that number, whose names it has; its place."""
        packed = marshal.dumps((kind, [record[name] for name in self._names[kind]]))
        self._starts.append(self._end)
        self._end += self._file.write(packed)
        return len(self._starts) - 1

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, place: int) -> Record:
        """The record at a place."""
        start = self._starts[place]
        end = self._starts[place + 1] if place + 1 < len(self._starts) else self._end
        self._file.flush()
        kind, values = marshal.loads(os.pread(self._file.fileno(), end - start, start))  # noqa: S302 - our own
        return dict(zip(self._names[kind], values, strict=True))


class Records(Sequence[Record]):
    """Records read from a shelf when they are asked for; each has all `names`, in this order.

    A row names the place of the record and those of its partners, which fill in what it lacks; fields in
    `own` are never a partner's.
    """

    def __init__(
        self, shelf: Shelf, names: Sequence[str], own: frozenset[str], rows: list[tuple[int, ...]]
    ) -> None:
        self._shelf, self._names, self._own, self._rows = shelf, tuple(names), own, rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, at: int) -> Record: ...

    @overload
    def __getitem__(self, at: slice) -> "Records": ...

    def __getitem__(self, at: int | slice) -> "Record | Records":
        if isinstance(at, slice):
            return Records(self._shelf, self._names, self._own, self._rows[at])
        return self._whole(self._rows[at])

    def __iter__(self) -> Iterator[Record]:
        return map(self._whole, self._rows)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Records({len(self):,} of {len(self._names)} fields)"

    def _whole(self, row: tuple[int, ...]) -> Record:
        record = self._shelf[row[0]]
        found = dict.fromkeys(self._names, None) | record
        for place in row[1:]:
            found |= {name: value for name, value in self._shelf[place].items() if name not in self._own}
        return {name: found[name] for name in self._names}
