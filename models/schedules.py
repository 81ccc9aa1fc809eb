"""Learning-rate schedules: the factor of the peak rate at each share of the run, free of state."""

import math
from collections.abc import Callable
from typing import Literal

from models.errors import TrainingError

ScheduleName = Literal["constant", "cosine", "one_cycle"]


def constant(_progress: float) -> float:
    """Return 1 throughout."""
    return 1.0


def cosine(progress: float) -> float:
    """Fall from 1 to 0 along half a cosine (Loshchilov and Hutter 2017, without restarts)."""
    return 0.5 * (1.0 + math.cos(math.pi * progress))


def one_cycle(progress: float, rise: float = 0.3, start: float = 0.04) -> float:
    """Rise from ``start`` to 1 over the share ``rise``, then fall to 0 (Smith and Topin 2018)."""
    if progress < rise:
        return 1.0 - (1.0 - start) * cosine(progress / rise)
    return cosine((progress - rise) / (1.0 - rise))


SCHEDULES: dict[ScheduleName, Callable[[float], float]] = {
    "constant": constant,
    "cosine": cosine,
    "one_cycle": one_cycle,
}


def rate_factor(name: ScheduleName, step: int, steps: int, warm_up: float = 0.0) -> float:
    """Return the factor for ``step`` of ``steps``; the first share ``warm_up`` of the run rises linearly."""
    if name not in SCHEDULES:
        raise TrainingError(f"expected a schedule among {sorted(SCHEDULES)}, got {name!r}")
    if not 0.0 <= warm_up < 1.0:
        raise TrainingError(f"expected warm_up, a share of the run, in [0, 1), got {warm_up}")
    rising = warm_up * steps
    if step < rising:
        return (step + 1) / (rising + 1)
    return SCHEDULES[name]((step - rising) / max(steps - rising, 1.0))
