"""A supernet: one network holds the weights of all cells, each batch trains those of the paths drawn for it.

Guo et al., "Single Path One-Shot Neural Architecture Search with Uniform Sampling", ECCV 2020,
https://arxiv.org/abs/1904.00420: one path a batch, each option as likely. Chu, Zhang, Xu, "FairNAS",
ICCV 2021, https://arxiv.org/abs/1907.01845: as many paths a batch as options, each option in exactly one of
them, one update of their summed gradients.
"""

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal, cast

import torch
from torch import Tensor

from models.catalog import entry
from models.data.data import Part
from models.nas.lesson import Lesson
from models.nas.space import Architecture, Space
from models.recipes.catalog import recipe_of
from models.schedules import rate_factor
from models.seeds import seeded
from models.task import Batch

Sampling = Literal["uniform", "fair"]


class Supernet:
    """Weights shared by all architectures of a space; built for a lesson, trained by ``train``."""

    def __init__(self, space: Space, lesson: Lesson, seed: int) -> None:
        self.space, self.lesson, self.seed = space, lesson, seed
        chosen = entry(space.network)
        shared = replace(chosen, network=space.shared)
        self.recipe = recipe_of(chosen)
        self.learner = self.recipe.learner(
            space.network, shared, lesson.data, network=lesson.network, options=lesson.options, seed=seed
        )
        self.network = cast("Any", self.learner.task).head.network

    def train(self, epochs: int, sampling: Sampling) -> None:
        """Train for so many passes over the rows; with fair sampling a row is trained on once an option."""
        task, rng = self.learner.task, random.Random(self.seed)  # noqa: S311  not for secrets
        settings = self.lesson.training
        optimizer = task.optimizers(settings["lr"])["network"]
        batches = self.recipe.batches(
            self.learner, self.lesson.data.train, batch_size=self.lesson.batch_size, shuffle=True,
            seed=self.seed,
        )  # fmt: skip
        total = epochs * len(batches)
        task.train()
        with seeded(self.seed):
            for step, batch in enumerate(_passes(batches, epochs)):
                for group in optimizer.param_groups:
                    group["lr"] = settings["lr"] * rate_factor("cosine", step, total, 0.0)
                optimizer.zero_grad()
                for path in paths(self.space, sampling, rng):
                    self.network.path = path
                    for _, loss in task.losses(batch):
                        loss.backward()  # type: ignore[no-untyped-call]
                torch.nn.utils.clip_grad_norm_(task.parameters(), 5.0)
                optimizer.step()

    @torch.no_grad()
    def score(self, architecture: Architecture, part: Part) -> float:
        """Return an architecture's accuracy on rows with the shared weights.

        Batch normalisation takes the statistics of these rows, for those of training are a mixture of paths
        (Guo et al., section 3.4).
        """
        task = self.learner.task
        image, label = cast("Tensor", part["image"]), cast("Tensor", part["label"])
        self.network.path = architecture
        head = cast("Any", task).head
        task.train()
        answers = [self.network(head.scale(rows)).argmax(dim=1) for rows in torch.split(image, 500)]
        return float((torch.cat(answers) == label).float().mean())


def paths(space: Space, sampling: Sampling, rng: random.Random) -> list[Architecture]:
    """Draw the paths of one batch: one, or ``fair_count`` with each option of a decision equally often.

    A decision with fewer options than others takes some of them once more, drawn by chance.
    """
    if sampling == "uniform":
        return [tuple(rng.choice(options) for options in space.decisions)]
    count = fair_count(space)
    columns = []
    for options in space.decisions:
        whole, rest = divmod(count, len(options))
        columns.append([*options * whole, *rng.sample(options, rest)])
    return list(zip(*(rng.sample(column, count) for column in columns), strict=True))


def fair_count(space: Space) -> int:
    """Return how many paths fair sampling trains on a batch: as many as the largest decision has options."""
    return max(map(len, space.decisions))


def _passes(batches: Any, epochs: int) -> Iterator[Batch]:
    for epoch in range(epochs):
        batches.set_epoch(epoch)
        yield from batches
