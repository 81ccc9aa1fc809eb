"""One architecture trained as its lesson says: all epochs, or some now and the rest later."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from models.catalog import entry
from models.nas.lesson import Lesson
from models.nas.space import Architecture, Space
from models.recipe import Learner
from models.recipes.catalog import recipe_of
from models.trainer import fit


@dataclass(frozen=True)
class Measured:
    """What a full training showed: scores (more is better) on validation rows by epoch, and on test rows.

    ``multiply_adds`` are those of one row's answer.
    """

    architecture: Architecture
    seed: int
    validation: tuple[float, ...]
    test: float
    parameters: int
    multiply_adds: int


class _EnoughError(Exception):
    """The epochs asked for are done."""


def build(space: Space, lesson: Lesson, architecture: Architecture, seed: int) -> Learner:
    """Build an architecture for a lesson, untrained."""
    chosen = entry(space.network)
    network = {**lesson.network, **space.entries(architecture)}
    return recipe_of(chosen).learner(
        space.network, chosen, lesson.data, network=network, options=lesson.options, seed=seed
    )


def train(
    space: Space,
    lesson: Lesson,
    architecture: Architecture,
    *,
    seed: int,
    epochs: int | None = None,
    folder: Path | None = None,
) -> tuple[Learner, tuple[float, ...]]:
    """Train and return the learner and its validation scores by epoch.

    With ``epochs`` fewer than the lesson's, the first of them; with a ``folder`` a later call goes on from
    there. The rate's schedule is always that of the whole lesson.
    """
    wanted = lesson.epochs if epochs is None else min(epochs, lesson.epochs)
    learner, chosen = build(space, lesson, architecture, seed), entry(space.network)
    recipe = recipe_of(chosen)
    key = hashlib.sha256(repr((architecture, seed)).encode()).hexdigest()[:16]
    sign = 1.0 if chosen.task.monitor_mode == "max" else -1.0
    scores: list[float] = []

    def on_epoch(epoch: int, metrics: dict[str, float]) -> None:
        scores.append(sign * metrics[chosen.task.monitor])
        if epoch + 1 >= wanted:
            raise _EnoughError

    try:
        fit(
            learner.task,
            recipe.batches(
                learner, lesson.data.train, batch_size=lesson.batch_size, shuffle=True, seed=seed
            ),
            recipe.batches(learner, lesson.data.validation, batch_size=1000),
            epochs=lesson.epochs, seed=seed, run_key=key, device="cpu", progress=False, on_epoch=on_epoch,
            checkpoint_folder=folder / key if folder else None, **lesson.training,
        )  # fmt: skip
    except _EnoughError:
        learner.task.eval()
    return learner, tuple(scores)


def measure(space: Space, lesson: Lesson, architecture: Architecture, seed: int) -> Measured:
    """Train an architecture in full and judge the weights of its best epoch on the test rows."""
    learner, scores = train(space, lesson, architecture, seed=seed)
    chosen = entry(space.network)
    metrics = recipe_of(chosen).evaluate(learner, lesson.data.test, batch_size=1000)
    sign = 1.0 if chosen.task.monitor_mode == "max" else -1.0
    parameters = sum(weight.numel() for weight in learner.task.parameters())
    test = sign * metrics[chosen.task.monitor]
    return Measured(architecture, seed, scores, test, parameters, multiply_adds(learner))


def multiply_adds(learner: Learner) -> int:
    """Count the multiplications of convolutions and linear layers for one row."""
    served = learner.task.eval().served()
    rows = len(next(iter(served.inputs.values())))
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        served.module(**served.inputs)
    return int(counter.get_total_flops()) // 2 // rows
