"""AutoGluon's whole ensemble as ONE graph: every fold of every member, stack levels, the weighted mean."""

from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, helper

from models.ensemble import Ensemble
from models.errors import ExportError
from models.export.builder import GraphBuilder
from models.export.encoder import FEATURES
from models.export.graphs import check
from models.export.members import Level, member


def ensemble_graph(ensemble: Ensemble, *, output: str = "y", model: str | None = None) -> ModelProto:
    """Write the graph of a fitted ensemble, or of its member ``model`` with all below it.

    Input ``features`` [batch, columns] float32: the ensemble's columns in order, none missing. The output
    [batch, 1] float32 is in the target's unit. Members that the answer does not depend on are left out.
    Raises ExportError for a family that there is no graph of, or an unknown member.
    """
    trainer = ensemble.predictor._trainer
    names = list(trainer.get_model_names())
    chosen = model or str(ensemble.predictor.model_best)
    if chosen not in names:
        raise ExportError(f"expected a member among {', '.join(names)}, got {chosen!r}; mend its name")
    builder = GraphBuilder()
    answer = _Writer(builder, trainer, list(ensemble.info.columns)).answer(chosen)
    wide = builder.cast(answer, np.float64)
    if ensemble.info.log_target:
        wide = builder.add("Sub", builder.add("Exp", wide), builder.constant(1.0))
    width = len(ensemble.info.columns)
    features = helper.make_tensor_value_info(FEATURES, TensorProto.FLOAT, ["batch", width])
    result = builder.cast(wide, np.float32)
    return check(builder.model([features], {output: (result, TensorProto.FLOAT, 1)}))


class _Writer:
    """Writes members on demand, each once, and each stack level's matrix once."""

    def __init__(self, builder: GraphBuilder, trainer: Any, columns: list[str]) -> None:
        self._builder, self._trainer, self._columns = builder, trainer, columns
        self._answers: dict[str, str] = {}
        self._levels: dict[tuple[str, ...], Level] = {(): Level(builder, FEATURES, columns)}

    def answer(self, name: str) -> str:
        """The answer [batch, 1] float32 of a member."""
        if name not in self._answers:
            self._answers[name] = self._written(name)
        return self._answers[name]

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
            self._levels[below] = Level(self._builder, x, [*below, *self._columns])
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
