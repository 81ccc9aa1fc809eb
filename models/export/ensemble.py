"""AutoGluon's whole ensemble as ONE graph: every fold of every member, stack levels, the weighted mean."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper

from models.ensemble import Ensemble
from models.errors import ExportError
from models.export.builder import GraphBuilder
from models.export.encoder import FEATURES
from models.export.graphs import check
from models.export.members import Level, member


@dataclass(frozen=True)
class EnsembleGraph:
    """A graph, and by column the values at which its answer may jump, ascending float32."""

    model: ModelProto
    splits: dict[str, NDArray[np.float32]]


def ensemble_graph(
    ensemble: Ensemble, *, output: str = "y", model: str | None = None, binary: Collection[str] = ()
) -> EnsembleGraph:
    """Write the graph of a fitted ensemble, or of its member ``model`` with all below it.

    Input ``features`` [batch, columns] float32: the ensemble's columns in order, none missing; those named in
    ``binary`` hold 0 and 1 alone, which makes the graph quicker, and wrong for other values. The output
    [batch, 1] float32 is in the target's unit. Members that the answer does not depend on are left out.
    Raises ExportError for a family that there is no graph of, or an unknown member.
    """
    trainer = ensemble.predictor._trainer
    names = list(trainer.get_model_names())
    chosen = model or str(ensemble.predictor.model_best)
    if chosen not in names:
        raise ExportError(f"expected a member among {', '.join(names)}, got {chosen!r}; mend its name")
    builder, columns = GraphBuilder(), list(ensemble.info.columns)
    writer = _Writer(builder, trainer, columns, binary)
    wide = builder.cast(writer.answer(chosen), np.float64)
    if ensemble.info.log_target:
        wide = builder.add("Sub", builder.add("Exp", wide), builder.constant(1.0))
    features = helper.make_tensor_value_info(FEATURES, TensorProto.FLOAT, ["batch", len(columns)])
    result = builder.cast(wide, np.float32)
    whole = builder.model([features], {output: (result, TensorProto.FLOAT, 1)})
    return EnsembleGraph(check(whole), writer.splits())


class _Writer:
    """Writes members on demand, each once, and each stack level's matrix once."""

    def __init__(
        self, builder: GraphBuilder, trainer: Any, columns: list[str], binary: Collection[str]
    ) -> None:
        self._builder, self._trainer, self._columns, self._binary = builder, trainer, columns, binary
        self._answers: dict[str, str] = {}
        self._levels: dict[tuple[str, ...], Level] = {(): Level(builder, FEATURES, columns, binary=binary)}

    def answer(self, name: str) -> str:
        """The answer [batch, 1] float32 of a member."""
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
            return self._mean(weighted._get_model_weights())
        return member(self._level(below), children)

    def _level(self, below: tuple[str, ...]) -> Level:
        """What a member sees that is stacked on the members ``below``: their answers, then the columns."""
        if below not in self._levels:
            answers = [self.answer(name) for name in below]
            x = self._builder.add("Concat", *answers, FEATURES, axis=1)
            self._levels[below] = Level(self._builder, x, [*below, *self._columns], binary=self._binary)
        return self._levels[below]

    def _mean(self, weights: dict[str, Any]) -> str:
        """The weighted sum, added up in double precision in the order of the members."""
        builder = self._builder
        parts = [
            builder.add("Mul", builder.cast(self.answer(name), np.float64), builder.constant(float(weight)))
            for name, weight in weights.items()
            if weight
        ]
        return builder.cast(parts[0] if len(parts) == 1 else builder.add("Sum", *parts), np.float32)


def _down(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """The largest float32 that is not above each value."""
    near = values.astype(np.float32)
    return np.where(near > values, np.nextafter(near, np.float32(-np.inf)), near)
