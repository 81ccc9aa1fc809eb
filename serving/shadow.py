"""A copy of a request for another version of its model: run, compared with the answer given, dropped."""

from collections.abc import Callable

import numpy as np

from serving.infer_request import Arrays
from serving.lane import Waiter
from serving.metrics import Metrics
from serving.model import Model


class Shadowed:
    """Tells who waits first, then has the copy run by `send`."""

    def __init__(self, waiter: Waiter, send: Callable[[Arrays], None]) -> None:
        self._waiter, self._send = waiter, send

    def done(self) -> bool:
        """Whether it needs no answer any more."""
        return self._waiter.done()

    def set_result(self, result: Arrays, /) -> None:
        """Take the answer, then see what the shadow would have said."""
        self._waiter.set_result(result)
        self._send(result)

    def set_exception(self, exception: Exception, /) -> None:
        """Take the error; there is nothing to compare with."""
        self._waiter.set_exception(exception)


class Comparison:
    """Waits for the shadow's answer, and counts how far it is from what was answered."""

    def __init__(self, model: Model, shadow: Model, answered: Arrays, metrics: Metrics) -> None:
        self._key = (*model.label, str(shadow.bundle.version))
        self._answered, self._metrics = answered, metrics

    def done(self) -> bool:
        """It always listens."""
        return False

    def set_result(self, result: Arrays, /) -> None:
        """Count the difference."""
        self._metrics.shadowed(self._key, "compared", difference(self._answered, result))

    def set_exception(self, _: Exception, /) -> None:
        """Count that the shadow had no answer."""
        self._metrics.shadowed(self._key, "failed")


def difference(answered: Arrays, other: Arrays) -> float:
    """The largest difference of two answers, relative to the larger value: 0 is the same, from 1 another.

    A text, a shape or a missing value that is not the other's counts as 1, and so does an output that only
    `answered` has.
    """
    return max((_difference(array, other.get(name)) for name, array in answered.items()), default=0.0)


def _difference(mine: "np.ndarray[tuple[int, ...], np.dtype[np.generic]]", other: object) -> float:
    if not isinstance(other, np.ndarray) or mine.shape != other.shape:
        return 1.0
    if mine.dtype.kind not in "biuf" or other.dtype.kind not in "biuf":
        return float((mine != other).any())
    a, b = mine.astype(np.float64), other.astype(np.float64)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    with np.errstate(all="ignore"):
        apart = np.where(same, 0.0, np.abs(a - b) / np.maximum(np.abs(a), np.abs(b)))
    return float(np.nan_to_num(apart, nan=1.0, posinf=1.0).max(initial=0.0))
