"""Direction: a better row is answered with more, on average."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.behaviour.outcome import Outcome, plain
from models.behaviour.sample import Answer, Sample, asked
from models.errors import BehaviourError

Levels = Mapping[str, Sequence[str]]


def direction(
    answer: Answer, sample: Sample, name: str, steps: Mapping[str, float], *, low: float, levels: Levels
) -> Outcome:
    """Move columns by ``steps`` at once; the mean answer must change by ``low`` at least.

    ``low`` is relative to the mean answer: 0.01 asks for a rise of 1%, -0.01 allows a fall of 1%. A step is
    in the column's unit, in an ordered category (``levels``, worst to best) a whole number of levels. Only
    rows count that stay within the values seen in the sample. A column that the model does not read cannot
    move its answer, so it is passed over. Raises BehaviourError for a step that leaves no row, or in a
    category without levels.
    """
    read = {column: step for column, step in steps.items() if column in sample.columns}
    inside, moved = np.ones(len(sample.keys), dtype=bool), dict(sample.columns)
    for column, step in read.items():
        moved[column], within = _moved(sample, column, step, levels)
        inside &= within
    if not inside.any():
        raise BehaviourError(
            f"direction {name!r}: no row has room for the steps {dict(steps)}: take smaller ones"
        )
    chosen = sample.taken(inside)
    before = asked(answer, chosen.columns)
    after = asked(answer, {column: values[inside] for column, values in moved.items()})
    with np.errstate(divide="ignore", invalid="ignore"):
        measured = float(after.mean() / before.mean() - 1)
        at = int(np.argmin(np.nan_to_num(after / before, nan=-np.inf)))
    worst = {
        **chosen.worst(at, before, after),
        **{column: plain(chosen.columns[column][at]) for column in read},
    }
    return Outcome("direction", name, _told(steps), len(before), measured, low=low, worst=worst)


def directions(
    answer: Answer, sample: Sample, wanted: Mapping[str, tuple[Mapping[str, float], float]], levels: Levels
) -> Iterator[Outcome]:
    """The `direction` of every name's (steps, low)."""
    for name, (steps, low) in wanted.items():
        yield direction(answer, sample, name, steps, low=low, levels=levels)


def _moved(
    sample: Sample, column: str, step: float, levels: Levels
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """A column after its step, and which rows are known and still among what was seen."""
    if column in sample.numbers:
        values = sample.numbers[column]
        after = values + np.float32(step)
        known = values[np.isfinite(values)]
        if not len(known):
            return after, np.zeros(len(values), dtype=bool)
        return after, (after >= known.min()) & (after <= known.max())
    ladder = list(levels.get(column, ()))
    if not ladder or step != int(step):
        raise BehaviourError(
            f"a step of {step:g} in {column!r}: expected a number, or whole levels of an ordered category"
        )
    texts = sample.categories[column]
    places = [ladder.index(text) + int(step) if text in ladder else -1 for text in texts]
    within = np.array([0 <= place < len(ladder) for place in places])
    turned = [
        ladder[place] if fits else text for place, fits, text in zip(places, within, texts, strict=True)
    ]
    return np.array(turned, dtype=object), within


def _told(steps: Mapping[str, float]) -> str:
    return ", ".join(f"{column} {step:+g}" for column, step in steps.items())
