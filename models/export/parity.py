"""Does the graph answer as the Python path does? Measured on given, missing and never seen values."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import ModelProto

from models.errors import ParityError

Inputs = Mapping[str, NDArray[Any]]
"""Raw columns by name, each (rows,) or (rows, 1): float32 with NaN, or str objects with ""."""

UNSEEN = "\N{SNOWMAN} never seen"
"""A category that no table holds; not ASCII, so that the graph's text handling is tried as well."""


@dataclass(frozen=True)
class ParityReport:
    """The largest differences of one case, over ``rows``, and the row with the largest relative one."""

    rows: int
    max_absolute: float
    max_relative: float
    worst_row: int

    def to_dict(self) -> dict[str, float | int]:
        """The report as JSON takes it."""
        return asdict(self)


class GraphSession:
    """A graph in onnxruntime, asked with raw columns."""

    def __init__(self, model: ModelProto) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        self.inputs = tuple(value.name for value in self._session.get_inputs())

    def answer(self, inputs: Inputs) -> NDArray[np.float64]:
        """Return the first output, (rows,)."""
        feeds = {name: np.asarray(inputs[name]).reshape(-1, 1) for name in self.inputs}
        (answer, *_) = self._session.run(None, feeds)
        return np.asarray(answer, dtype=np.float64).reshape(len(answer))


def check_parity(
    model: ModelProto | GraphSession,
    inputs: Inputs,
    expected: NDArray[Any],
    *,
    tolerance: float = 1e-4,
    batch: int | None = None,
    case: str = "given",
) -> ParityReport:
    """Compare the graph's answers with ``expected`` (rows,), ``batch`` rows at a time (None: all at once).

    ``tolerance`` is relative to the expected value. Raises ParityError naming the first row over it.
    """
    session = model if isinstance(model, GraphSession) else GraphSession(model)
    wanted = np.asarray(expected, dtype=np.float64).reshape(-1)
    size = batch or max(len(wanted), 1)
    parts = [
        session.answer({name: values[start : start + size] for name, values in inputs.items()})
        for start in range(0, len(wanted), size)
    ]
    got = np.concatenate(parts) if parts else np.empty(0)
    if got.shape != wanted.shape or not len(wanted):
        raise ParityError(f"case {case!r}: expected {len(wanted)} answers, more than 0, got {len(got)}")
    absolute = np.abs(got - wanted)
    relative = np.nan_to_num(absolute / np.maximum(np.abs(wanted), 1e-12), nan=np.inf)
    over = np.flatnonzero(relative > tolerance)
    if len(over):
        row = int(over[0])
        raise ParityError(
            f"case {case!r}, row {row} ({len(over)} of {len(wanted)} rows): expected {wanted[row]:.9g} as "
            f"in Python, the graph says {got[row]:.9g}, {relative[row]:.1e} off where "
            f"{tolerance:g} is allowed; do not serve it"
        )
    return ParityReport(len(wanted), float(absolute.max()), float(relative.max()), int(relative.argmax()))


def check_cases(
    model: ModelProto,
    inputs: Inputs,
    answer: Callable[[dict[str, NDArray[Any]]], NDArray[Any]],
    *,
    numbers: Sequence[str],
    categories: Sequence[str],
    tolerance: float = 1e-4,
) -> dict[str, ParityReport]:
    """Check every case of ``parity_cases``; ``answer`` is the Python path from raw columns to (rows,).

    ``inputs`` go through as they are, all rows at once and one by one, then spoilt. Returns a report by
    case; raises ParityError at the first that differs.
    """
    session = GraphSession(model)
    reports: dict[str, ParityReport] = {}
    for case, columns in parity_cases(inputs, numbers=numbers, categories=categories):
        expected = answer(columns)
        reports[case] = check_parity(session, columns, expected, tolerance=tolerance, case=case)
        if case == "given":
            single = check_parity(session, columns, expected, tolerance=tolerance, batch=1, case="one by one")
            reports["one by one"] = single
    return reports


def parity_cases(
    inputs: Inputs, *, numbers: Sequence[str], categories: Sequence[str]
) -> Iterator[tuple[str, dict[str, NDArray[Any]]]]:
    """Yield (case, columns): as given; each column missing; all missing; unseen categories, each and all."""
    given = {name: np.asarray(inputs[name]) for name in [*numbers, *categories]}
    rows = len(next(iter(given.values())))
    missing = {name: np.full(rows, np.nan, dtype=np.float32) for name in numbers}
    missing |= {name: np.full(rows, "", dtype=object) for name in categories}
    unseen = {name: np.full(rows, UNSEEN, dtype=object) for name in categories}
    yield "given", given
    for name, values in missing.items():
        yield f"{name} missing", {**given, name: values}
    yield "all missing", missing
    for name, values in unseen.items():
        yield f"{name} unseen", {**given, name: values}
    if unseen:
        yield "all categories unseen", {**given, **unseen}
