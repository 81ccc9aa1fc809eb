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

LARGE_BATCH = 10_000

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
    with np.errstate(invalid="ignore"):
        absolute = np.where(got == wanted, 0.0, np.abs(got - wanted))
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
    splits: Mapping[str, NDArray[np.float32]] | None = None,
    spoilt_rows: int | None = None,
) -> dict[str, ParityReport]:
    """Check every case of ``parity_cases`` and ``split_cases``; ``answer`` is the Python path to (rows,).

    ``inputs`` go through as they are: all rows at once, one by one, and ``LARGE_BATCH`` at once; then spoilt,
    of which ``spoilt_rows`` rows are enough (None: all). Python is asked once, for all cases together.
    Returns a report by case; raises ParityError at the first that differs.
    """
    given = {name: np.asarray(inputs[name]).reshape(-1) for name in [*numbers, *categories]}
    few = {name: values[:spoilt_rows] for name, values in given.items()}
    cases = {"given": given, **dict(parity_cases(few, numbers=numbers, categories=categories))}
    cases |= dict(split_cases(given, splits or {}))
    expected = _answers(cases, answer)
    session, reports = GraphSession(model), {}
    for case, columns in cases.items():
        reports[case] = check_parity(session, columns, expected[case], tolerance=tolerance, case=case)
    truth, rows = expected["given"], np.arange(LARGE_BATCH) % len(expected["given"])
    reports["one by one"] = check_parity(
        session, given, truth, tolerance=tolerance, batch=1, case="one by one"
    )
    many, case = {name: values[rows] for name, values in given.items()}, f"{LARGE_BATCH:,} at once"
    reports[case] = check_parity(session, many, truth[rows], tolerance=tolerance, case=case)
    return reports


def _answers(
    cases: Mapping[str, Mapping[str, NDArray[Any]]],
    answer: Callable[[dict[str, NDArray[Any]]], NDArray[Any]],
) -> dict[str, NDArray[np.float64]]:
    """Python's answers by case, from one call: some models take a second to answer whatever the rows."""
    sizes = [len(next(iter(columns.values()))) for columns in cases.values()]
    names = next(iter(cases.values()))
    together = {name: np.concatenate([columns[name] for columns in cases.values()]) for name in names}
    answers = np.split(np.asarray(answer(together), dtype=np.float64), np.cumsum(sizes)[:-1])
    return dict(zip(cases, answers, strict=True))


def split_cases(
    inputs: Inputs, splits: Mapping[str, NDArray[np.float32]]
) -> Iterator[tuple[str, dict[str, NDArray[Any]]]]:
    """Yield rows with numbers on every value of ``splits``, and one float32 above and below it.

    A row takes a split of each column at once, its other values from ``inputs``; there are as many rows as
    the column with most splits has.
    """
    if not splits:
        return
    given = {name: np.asarray(values) for name, values in inputs.items()}
    rows = np.arange(max(len(values) for values in splits.values()))
    others = {name: values[rows % len(values)] for name, values in given.items()}
    placed = {name: values[rows % len(values)] for name, values in splits.items()}
    yield "on every split", {**others, **placed}
    for side, end in (("above", np.inf), ("below", -np.inf)):
        beside = {name: np.nextafter(values, np.float32(end)) for name, values in placed.items()}
        yield f"one step {side} every split", {**others, **beside}


def parity_cases(
    inputs: Inputs, *, numbers: Sequence[str], categories: Sequence[str]
) -> Iterator[tuple[str, dict[str, NDArray[Any]]]]:
    """Yield (case, columns): each column missing; all missing; numbers infinite; categories never seen."""
    given = {name: np.asarray(inputs[name]) for name in [*numbers, *categories]}
    rows = len(next(iter(given.values())))
    missing = {name: np.full(rows, np.nan, dtype=np.float32) for name in numbers}
    missing |= {name: np.full(rows, "", dtype=object) for name in categories}
    unseen = {name: np.full(rows, UNSEEN, dtype=object) for name in categories}
    for name, values in missing.items():
        yield f"{name} missing", {**given, name: values}
    yield "all missing", missing
    if numbers:
        for sign, value in (("", np.inf), ("-", -np.inf)):
            infinite = {name: np.full(rows, value, dtype=np.float32) for name in numbers}
            yield f"numbers {sign}infinite", {**given, **infinite}
    for name, values in unseen.items():
        yield f"{name} unseen", {**given, name: values}
    if unseen:
        yield "all categories unseen", {**given, **unseen}
