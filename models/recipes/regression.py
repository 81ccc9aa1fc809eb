"""Recipe of the table networks: number columns -> a positive number."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.catalog import Entry
from models.data.batches import TensorBatches
from models.data.data import Data, Part
from models.errors import CatalogError
from models.export.network import network_graph
from models.export.tensors import check_tensors
from models.layers.numeric import table_shape
from models.recipe import Export, Learner, Recipe, build_config
from models.seeds import seeded
from models.tasks.regression import Regression, TargetScale
from serving.bundle import Input, Output


class RegressionRecipe(Recipe):
    """Columns ``x`` float32 [rows, features] without gaps and ``y`` float32 [rows] above 0."""

    def learner(
        self,
        name: str,
        entry: Entry,
        data: Data,
        *,
        network: Mapping[str, Any],
        options: Mapping[str, Any],
        seed: int,
    ) -> Learner:
        """Build the network, scaled by the training rows."""
        x, y = _columns(data.train)
        config = build_config(entry, {**table_shape(x), **network})
        with seeded(seed):
            module = entry.network(config)
        calibrate: Callable[[Tensor], None] | None = getattr(module, "calibrate", None)
        if calibrate is None:
            raise CatalogError(f"expected a network for tables, got {name!r}, which has no calibrate(rows)")
        calibrate(x)
        try:
            task = Regression(module, TargetScale.of(y), features=x.shape[1], **options)
        except TypeError as error:
            raise CatalogError(f"Regression takes other options: {error}; mend the parameters") from error
        return Learner(name, asdict(config), dict(options), (), {}, task)

    def rebuild(
        self, entry: Entry, config: Any, options: Mapping[str, Any], labels: tuple[str, ...]
    ) -> Regression:
        """Build the task of a saved learner; its scales come with the weights."""
        assert not labels
        return Regression(entry.network(config), TargetScale(), features=config.features, **options)

    def batches(
        self,
        learner: Learner,  # noqa: ARG002  texts need its tokenizer here
        part: Part,
        *,
        batch_size: int,
        shuffle: bool = False,
        seed: int = 0,
    ) -> TensorBatches:
        """Batches of ``x`` and ``y``."""
        x, y = _columns(part)
        return TensorBatches({"x": x, "y": y}, batch_size=batch_size, shuffle=shuffle, seed=seed)

    def export(self, learner: Learner, part: Part, *, tolerance: float) -> Export:
        """One graph from the table to the number."""
        served = learner.task.served()
        graph = network_graph(served)
        x = _columns(part)[0].numpy()
        cases = {"one row": {"x": x[:1]}, "three rows": {"x": x[:3]}, "the test split": {"x": x}}

        def answer(arrays: dict[str, NDArray[Any]]) -> list[NDArray[Any]]:
            with torch.no_grad():
                return [served.module(torch.from_numpy(arrays["x"])).numpy()]

        return Export(
            graph=graph,
            task="regression",
            inputs=(Input(name="x", datatype="FP32", shape=(-1, x.shape[1]), kind="tensor", required=True),),
            outputs=tuple(Output(name=name, datatype="FP32") for name in served.outputs),
            parity=check_tensors(graph, cases, answer, relative=tolerance),
            example={"x": [float(value) for value in np.round(x[0], 4)]},
        )

    def sample(self, learner: Learner, part: Part, *, count: int, seed: int, folder: Path) -> list[str]:
        """Answers and truth of some rows."""
        assert folder
        rows = np.random.default_rng(seed).permutation(len(_columns(part)[1]))[:count]
        x, y = (column[torch.from_numpy(rows)] for column in _columns(part))
        with torch.no_grad():
            answers = cast("Regression", learner.task).head(x).squeeze(1)
        return [f"predicted {one:10.4g}   true {two:10.4g}" for one, two in zip(answers, y, strict=True)]


def _columns(part: Part) -> tuple[Tensor, Tensor]:
    return cast("Tensor", part["x"]), cast("Tensor", part["y"])
