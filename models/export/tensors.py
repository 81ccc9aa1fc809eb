"""Does a graph of tensors answer as torch does? Compared case by case, output by output."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import ModelProto

from models.errors import ParityError

Arrays = Mapping[str, NDArray[Any]]


def check_tensors(
    graph: ModelProto,
    cases: Mapping[str, Arrays],
    answer: Callable[[dict[str, NDArray[Any]]], Sequence[NDArray[Any]]],
    *,
    absolute: float = 1e-5,
    relative: float = 1e-4,
) -> dict[str, Any]:
    """Compare the graph with ``answer`` on every case, a dict of the graph's inputs each.

    ``answer`` gives the outputs in the graph's order. Two numbers agree when they differ by at most
    ``absolute`` + ``relative`` * |expected|. Returns what parity.json holds; raises ParityError for the first
    case that differs.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        graph.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    reports = []
    for case, arrays in cases.items():
        got = session.run(None, dict(arrays))
        wanted = answer(dict(arrays))
        for name, one, two in zip(names, got, wanted, strict=True):
            reports.append(_compare(case, name, np.asarray(one), np.asarray(two), absolute, relative))
    return {"absolute": absolute, "relative": relative, "cases": reports}


def _compare(
    case: str, name: str, got: NDArray[Any], wanted: NDArray[Any], absolute: float, relative: float
) -> dict[str, Any]:
    if got.shape != wanted.shape or not got.size:
        raise ParityError(
            f"case {case!r}, {name!r}: expected shape {wanted.shape}, not empty, got {got.shape}"
        )
    one, two = got.astype(np.float64), wanted.astype(np.float64)
    difference = np.abs(one - two)
    over = ~(difference <= absolute + relative * np.abs(two))
    if over.any():
        at = np.unravel_index(int(np.argmax(over)), over.shape)
        raise ParityError(
            f"case {case!r}, {name!r} at {tuple(map(int, at))} ({int(over.sum())} of {over.size}): expected "
            f"{two[at]:.9g} as in torch, the graph says {one[at]:.9g}; do not serve it"
        )
    return {"name": case, "output": name, "rows": len(got), "max_absolute": float(difference.max())}
