"""Does the graph answer as the Python path does? Measured on given, missing and never seen values."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import ModelProto

from models.errors import ParityError
from models.export.parity_cases import Inputs, parity_cases, split_cases

Expected = NDArray[Any] | Mapping[str, NDArray[Any]]
"""Right answers by output, or of the first output alone: numbers or text, (rows,) or (rows, width)."""

LARGE_BATCH = 10_000


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

        self.outputs = tuple(value.name for value in self._session.get_outputs())

    def answer(self, inputs: Inputs) -> NDArray[np.float64]:
        """Return the first output, (rows,)."""
        answer = self.answers(inputs, self.outputs[:1])[self.outputs[0]]
        return np.asarray(answer, dtype=np.float64).reshape(len(answer))

    def answers(self, inputs: Inputs, outputs: Sequence[str]) -> dict[str, NDArray[Any]]:
        """Return the named outputs, each (rows, width)."""
        feeds = {name: np.asarray(inputs[name]).reshape(-1, 1) for name in self.inputs}
        found = self._session.run(list(outputs), feeds)
        return {name: np.asarray(values) for name, values in zip(outputs, found, strict=True)}


def check_parity(
    model: ModelProto | GraphSession,
    inputs: Inputs,
    expected: Expected,
    *,
    tolerance: float = 1e-4,
    batch: int | None = None,
    case: str = "given",
) -> ParityReport:
    """Compare the graph's answers with ``expected``, ``batch`` rows at a time (None: all at once).

    ``tolerance`` is relative to the expected number; text must be the same. Raises ParityError naming the
    first row over it, its values and the outputs that differ.
    """
    session = model if isinstance(model, GraphSession) else GraphSession(model)
    wanted = _named(expected, session.outputs[0])
    rows = len(next(iter(wanted.values())))
    got = _graph_answers(session, inputs, tuple(wanted), rows, batch or max(rows, 1))
    for name, values in wanted.items():
        if got[name].shape != values.shape or not rows:
            raise ParityError(
                f"case {case!r}: expected {rows} answers, more than 0, got {len(got[name])} of {name!r}"
            )
    apart = {name: _apart(got[name], values) for name, values in wanted.items()}
    absolute, relative = (np.max([pair[at] for pair in apart.values()], axis=0) for at in (0, 1))
    over = np.flatnonzero(relative > tolerance)
    if len(over):
        row = int(over[0])
        name = max(apart, key=lambda output: float(apart[output][1][row]))
        raise ParityError(
            f"case {case!r}, row {row} ({len(over)} of {rows} rows): expected {_shown(wanted[name][row])} as "
            f"in Python, the graph says {_shown(got[name][row])} for {name!r}, {relative[row]:.1e} off where "
            f"{tolerance:g} is allowed; do not serve it. The row: {_row(inputs, row)}"
        )
    return ParityReport(rows, float(absolute.max()), float(relative.max()), int(relative.argmax()))


def _named(expected: Expected, first: str) -> dict[str, NDArray[Any]]:
    """Expected answers by output, each (rows, width)."""
    given = expected if isinstance(expected, Mapping) else {first: expected}
    wide = {name: np.asarray(values) for name, values in given.items()}
    return {name: values.reshape(len(values), -1 if values.size else 1) for name, values in wide.items()}


def _graph_answers(
    session: GraphSession, inputs: Inputs, names: Sequence[str], rows: int, size: int
) -> dict[str, NDArray[Any]]:
    parts = [
        session.answers({name: values[start : start + size] for name, values in inputs.items()}, names)
        for start in range(0, rows, size)
    ]
    empty = np.empty((0, 1))
    return {name: np.concatenate([part[name] for part in parts]) if parts else empty for name in names}


def _apart(got: NDArray[Any], wanted: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """By row the largest absolute and relative difference; infinite where a text is another."""
    if wanted.dtype.kind in "OU":
        other = np.where(got == wanted, 0.0, np.inf)
        return np.zeros(len(wanted)), other.max(axis=1)
    right, found = wanted.astype(np.float64), got.astype(np.float64)
    with np.errstate(invalid="ignore"):
        absolute = np.where(found == right, 0.0, np.abs(found - right))
    relative = np.nan_to_num(absolute / np.maximum(np.abs(right), 1e-12), nan=np.inf)
    return absolute.max(axis=1), relative.max(axis=1)


def _shown(values: NDArray[Any]) -> str:
    return ", ".join(str(value) if isinstance(value, str) else f"{value:.9g}" for value in values)


def _row(inputs: Inputs, row: int) -> str:
    values = {name: np.asarray(column).reshape(-1)[row] for name, column in inputs.items()}
    return ", ".join(
        f"{name}={value!r}" if isinstance(value, str) else f"{name}={value:.9g}"
        for name, value in values.items()
    )


def check_cases(
    model: ModelProto,
    inputs: Inputs,
    answer: Callable[[dict[str, NDArray[Any]]], Expected],
    *,
    numbers: Sequence[str],
    categories: Sequence[str],
    tolerance: float = 1e-4,
    splits: Mapping[str, NDArray[np.float32]] | None = None,
    spoilt_rows: int | None = None,
) -> dict[str, ParityReport]:
    """Check every case of ``parity_cases`` and ``split_cases``; ``answer`` is the Python path.

    ``inputs`` go through as they are: all rows at once, one by one, and ``LARGE_BATCH`` at once; then spoilt,
    of which ``spoilt_rows`` rows are enough (None: all). Python is asked once, for all cases together.
    Returns a report by case; raises ParityError at the first that differs.
    """
    given = {name: np.asarray(inputs[name]).reshape(-1) for name in [*numbers, *categories]}
    few = {name: values[:spoilt_rows] for name, values in given.items()}
    cases = {"given": given, **dict(parity_cases(few, numbers=numbers, categories=categories))}
    cases |= dict(split_cases(given, splits or {}))
    session = GraphSession(model)
    expected = _python_answers(cases, answer, session.outputs[0])
    reports = {}
    for case, columns in cases.items():
        reports[case] = check_parity(session, columns, expected[case], tolerance=tolerance, case=case)
    truth, rows = expected["given"], np.arange(LARGE_BATCH) % len(next(iter(given.values())))
    reports["one by one"] = check_parity(
        session, given, truth, tolerance=tolerance, batch=1, case="one by one"
    )
    many, case = {name: values[rows] for name, values in given.items()}, f"{LARGE_BATCH:,} at once"
    often = {name: values[rows] for name, values in truth.items()}
    reports[case] = check_parity(session, many, often, tolerance=tolerance, case=case)
    return reports


def _python_answers(
    cases: Mapping[str, Mapping[str, NDArray[Any]]],
    answer: Callable[[dict[str, NDArray[Any]]], Expected],
    first: str,
) -> dict[str, dict[str, NDArray[Any]]]:
    """Python's answers by case, from one call: some models take a second to answer whatever the rows."""
    sizes = [len(next(iter(columns.values()))) for columns in cases.values()]
    names = next(iter(cases.values()))
    together = {name: np.concatenate([columns[name] for columns in cases.values()]) for name in names}
    answers = _named(answer(together), first)
    parts = {name: np.split(values, np.cumsum(sizes)[:-1]) for name, values in answers.items()}
    return {case: {name: parts[name][at] for name in parts} for at, case in enumerate(cases)}
