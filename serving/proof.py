"""Rows with the answers that the model gave when it was exported: a service proves them before it serves."""

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, JsonValue

from serving.card import Frozen
from serving.errors import BundleError

MAX_ROWS = 64


class Proof(Frozen):
    """Records as a client sends them, and each output of the graph for them, row by row (null is NaN).

    Numbers may differ by `tolerance` times their size, or times 1 where that is less; text is the same.
    """

    records: Annotated[tuple[dict[str, JsonValue], ...], Field(min_length=1, max_length=MAX_ROWS)]
    outputs: dict[str, list[Any]]
    tolerance: Annotated[float, Field(ge=0)] = 1e-4

    def check(self, given: dict[str, NDArray[Any]]) -> None:
        """Raise BundleError naming the first row whose answer is another one now."""
        for name, rows in self.outputs.items():
            got = given[name]
            expected = np.array(rows, object if got.dtype.kind in "OU" else np.float64)
            if got.shape != expected.shape:
                raise BundleError(f"its proof has {name!r} of shape {expected.shape}, the graph {got.shape}")
            same = _same(got, expected, self.tolerance).reshape(len(rows), -1).all(axis=1)
            if not same.all():
                at = int(same.argmin())
                raise BundleError(
                    f"row {at} of its proof: expected {name!r} to be {_short(rows[at])} as when it was "
                    f"exported, got {_short(got[at].tolist())}; export the model again"
                )


def _same(got: NDArray[Any], expected: NDArray[Any], tolerance: float) -> NDArray[np.bool_]:
    """Where two arrays of one shape agree."""
    if expected.dtype.kind == "O":
        return np.asarray(got == expected, dtype=np.bool_)
    same = np.isclose(got.astype(np.float64), expected, rtol=tolerance, atol=tolerance, equal_nan=True)
    return np.asarray(same, dtype=np.bool_)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
