"""AutoGluon's whole ensemble as ONE graph: every fold of every member, stack levels, the weighted mean."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper

from models.ensemble import Ensemble
from models.ensemble_info import EnsembleInfo
from models.errors import ExportError
from models.export.builder import GraphBuilder
from models.export.encoder import FEATURES
from models.export.graphs import check
from models.export.members import Level, member
from models.export.probabilities import all_classes, label, proper, tempered, width_of

Outputs = dict[str, tuple[str, int, int]]
"""By name: the value, its element type and its width."""


@dataclass(frozen=True)
class EnsembleGraph:
    """A graph, and by column the values at which its answer may jump, ascending float32."""

    model: ModelProto
    splits: dict[str, NDArray[np.float32]]


def ensemble_graph(
    ensemble: Ensemble,
    *,
    output: str = "y",
    model: str | None = None,
    weights: Mapping[str, float] | None = None,
    binary: Collection[str] = (),
) -> EnsembleGraph:
    """Write the graph of a fitted ensemble, of its member ``model``, or of a mean of members by ``weights``.

    Input ``features`` [batch, columns] float32: the ensemble's columns in order, none missing; those named in
    ``binary`` hold 0 and 1 alone, which makes the graph quicker, and wrong for other values. Of a number the
    output [batch, 1] float32 is in the target's unit. Of a class it is the class [batch, 1] string, with
    ``output``_probability [batch, classes] float32 beside it. Members that the answer does not depend on are
    left out. Raises ExportError for a family that there is no graph of, or an unknown member.
    """
    trainer = ensemble.predictor._trainer
    names = list(trainer.get_model_names())
    asked = [model or str(ensemble.predictor.model_best)] if weights is None else list(weights)
    for each in asked:
        if each not in names:
            raise ExportError(f"expected a member among {', '.join(names)}, got {each!r}; mend its name")
    builder, columns = GraphBuilder(), list(ensemble.info.columns)
    writer = _Writer(builder, trainer, columns, binary)
    answer = writer.answer(asked[0]) if weights is None else writer.mean(weights)
    outputs = (
        _number(builder, answer, ensemble.info, output)
        if ensemble.info.problem == "regression"
        else _classes(builder, answer, writer.width, ensemble.info, output)
    )
    features = helper.make_tensor_value_info(FEATURES, TensorProto.FLOAT, ["batch", len(columns)])
    return EnsembleGraph(check(builder.model([features], outputs)), writer.splits())


def _number(builder: GraphBuilder, answer: str, info: EnsembleInfo, output: str) -> Outputs:
    wide = builder.cast(answer, np.float64)
    if info.log_target:
        wide = builder.add("Sub", builder.add("Exp", wide), builder.constant(1.0))
    return {output: (builder.cast(wide, np.float32), TensorProto.FLOAT, 1)}


def _classes(builder: GraphBuilder, answer: str, width: int, info: EnsembleInfo, output: str) -> Outputs:
    shares = tempered(builder, all_classes(builder, answer, width), info.temperature)
    named = builder.cast(shares, np.float32)
    return {
        output: (label(builder, shares, info.classes), TensorProto.STRING, 1),
        f"{output}_probability": (named, TensorProto.FLOAT, len(info.classes)),
    }


class _Writer:
    """Writes members on demand, each once, and each stack level's matrix once."""

    def __init__(
        self, builder: GraphBuilder, trainer: Any, columns: list[str], binary: Collection[str]
    ) -> None:
        self._builder, self._trainer, self._columns, self._binary = builder, trainer, columns, binary
        self._answers: dict[str, str] = {}
        self.width = width_of(trainer)
        self._classifies = trainer.problem_type != "regression"
        self._levels: dict[tuple[str, ...], Level] = {(): Level(builder, FEATURES, columns, binary=binary)}

    def answer(self, name: str) -> str:
        """The answer [batch, width] float32 of a member."""
        if name not in self._answers:
            self._answers[name] = self._written(name)
        return self._answers[name]

    def splits(self) -> dict[str, NDArray[np.float32]]:
        """By column, where trees of any level split it: of all float32, the last that goes the lower way."""
        found: dict[str, NDArray[np.float32]] = {}
        for name in self._columns:
            parts = [part for level in self._levels.values() for part in level.splits.get(name, [])]
            if parts:
                found[name] = np.unique(_down(np.concatenate(parts)))
        return found

    def _written(self, name: str) -> str:
        bag = self._trainer.load_model(name)
        children = [bag.load_child(child) for child in bag.models]
        below = tuple(bag.base_model_names)
        if type(children[0]).__name__ == "GreedyWeightedEnsembleModel":
            (weighted,) = children
            return self.mean(weighted._get_model_weights())
        return member(self._level(below), children)

    def _level(self, below: tuple[str, ...]) -> Level:
        """What a member sees that is stacked on the members ``below``: their answers, then the columns."""
        if below not in self._levels:
            answers = [self.answer(name) for name in below]
            x = self._builder.add("Concat", *answers, FEATURES, axis=1)
            places = [f"{name}_{at}" for name in below for at in range(self.width)]
            names = [*(below if self.width == 1 else places), *self._columns]
            self._levels[below] = Level(self._builder, x, names, binary=self._binary)
        return self._levels[below]

    def mean(self, weights: Mapping[str, Any]) -> str:
        """The weighted sum, added up in double precision in the order of the members."""
        builder = self._builder
        parts = [
            builder.add("Mul", builder.cast(self.answer(name), np.float64), builder.constant(float(weight)))
            for name, weight in weights.items()
            if weight
        ]
        total = parts[0] if len(parts) == 1 else builder.add("Sum", *parts)
        return builder.cast(proper(builder, total, self.width) if self._classifies else total, np.float32)


def _down(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """The largest float32 that is not above each value."""
    near = values.astype(np.float32)
    return np.where(near > values, np.nextafter(near, np.float32(-np.inf)), near)
