"""An interval round a prediction that holds the truth as often as it says, whatever the model.

Split conformal prediction: Lei et al. 2018, https://arxiv.org/abs/1604.04173. Differences are taken on the
scale that the model learnt on; on a log scale the interval is as wide as the prediction is large.
"""

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """``radius`` on the scale log(1 + y) if ``log_target``, else that of y; ``coverage`` between 0 and 1.

    ``rows`` is the number of rows that it was taken from.
    """

    coverage: float
    radius: float
    rows: int
    log_target: bool

    def around(self, predicted: Floats) -> tuple[Floats, Floats]:
        """The lower and upper end for predictions (rows,) in the target's unit."""
        if not self.log_target:
            return predicted - self.radius, predicted + self.radius
        centre = np.log1p(predicted)
        return np.expm1(centre - self.radius), np.expm1(centre + self.radius)


def fit_interval(y: Floats, predicted: Floats, *, coverage: float, log_target: bool) -> Interval:
    """The interval that holds the truth in a share of at least ``coverage`` of new rows, on average.

    ``y`` and ``predicted`` (rows,) are of rows that the model did not learn from and that are drawn as the
    new ones are: this is what the guarantee rests on. Raises ModelError when there are too few of them.
    """
    rows = len(y)
    rank = ceil((rows + 1) * coverage)
    if not 0 < coverage < 1 or rank > rows:
        needed = ceil(coverage / (1 - coverage)) if 0 < coverage < 1 else 0
        raise ModelError(
            f"expected a coverage between 0 and 1 and, for {coverage:g}, {needed} rows or more, got {rows}; "
            "ask for less coverage or give more rows"
        )
    apart = np.log1p(y) - np.log1p(predicted) if log_target else y - predicted
    return Interval(coverage, float(np.sort(np.abs(apart))[rank - 1]), rows, log_target)


def covered(y: Floats, low: Floats, high: Floats) -> float:
    """The share of rows whose true value lies in its interval."""
    return float(np.mean((low <= y) & (y <= high)))
