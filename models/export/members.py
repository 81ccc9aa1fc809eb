"""One member of AutoGluon's ensemble as nodes: every fold's model, and their mean.

Each fold's answer is rounded to float32 and the folds are added one after another in float32, as AutoGluon
does: what a stack level above compares with its thresholds is then the same to the last bit.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from models.errors import ExportError
from models.export.builder import GraphBuilder
from models.export.forests import catboost_forest, lightgbm_forest, sklearn_forest, xgboost_forest
from models.export.prepared import PreparedColumns, double_layers
from models.export.trees import Forest, constant_tree, forest_node, joined


class Level:
    """What one stack level reads: the matrix ``x`` [batch, columns] float32, and its columns' names.

    ``binary`` are columns that hold 0 and 1 alone.
    """

    def __init__(
        self, builder: GraphBuilder, x: str, names: Sequence[str], *, binary: Collection[str] = ()
    ) -> None:
        self.builder, self.x, self.names, self.binary = builder, x, list(names), binary
        self.splits: dict[str, list[NDArray[np.float64]]] = {}
        self._wide = ""

    @property
    def wide(self) -> str:
        """The matrix in double precision."""
        self._wide = self._wide or self.builder.cast(self.x, np.float64)
        return self._wide

    def placed(self, forest: Forest, columns: Sequence[str]) -> Forest:
        """The forest, fitted on ``columns``, reading them from the matrix; notes where it splits them."""
        for at in np.unique(forest.column):
            self.note(columns[at], forest.split[forest.column == at])
        return forest.on([self.names.index(name) for name in columns])

    def note(self, column: str, splits: NDArray[np.float64]) -> None:
        """Take note of values of a column at which an answer may jump."""
        self.splits.setdefault(column, []).append(np.unique(splits))


Write = Callable[[Level, Sequence[Any]], str]
"""Writes the folds of one member; returns their answers [batch, folds] float32."""


def member(level: Level, children: Sequence[Any]) -> str:
    """Write a bagged model from its fitted folds (AutoGluon's models); returns its answer [batch, 1] float32.

    Raises ExportError for a family that there is no graph of.
    """
    kind = type(children[0]).__name__
    if kind not in WRITERS:
        raise ExportError(f"expected models among {', '.join(WRITERS)}, got {kind}; leave that family out")
    builder, folds = level.builder, len(children)
    answers = WRITERS[kind](level, children)
    if folds == 1:
        return answers
    parts = builder.add_many("Split", answers, count=folds, axis=1, num_outputs=folds)
    return builder.add("Div", builder.add("Sum", *parts), builder.constant(folds, np.float32))


def _columns(child: Any) -> list[str]:
    """The columns that a fold's library gets, in order, by their own names: all that vary in the fold."""
    names = child.features if child._is_features_in_same_as_ex else child._features_internal_to_align
    if not getattr(child, "_requires_remap", False):
        return list(names)
    own = {new: old for old, new in child._features_internal_map.items()}
    return [own.get(name, name) for name in names]


def _lightgbm(level: Level, children: Sequence[Any]) -> str:
    forests = [level.placed(lightgbm_forest(child.model), _columns(child)) for child in children]
    return level.builder.cast(forest_node(level.builder, level.wide, forests), np.float32)


def _xgboost(level: Level, children: Sequence[Any]) -> str:
    """A nought is missing to XGBoost, which AutoGluon gives a sparse table."""
    builder, forests = level.builder, []
    for child in children:
        forest, base = xgboost_forest(child.model.get_booster())
        order = list(child._ohe_generator.other_cols) if child._ohe else _columns(child)
        forests.append(joined([constant_tree(base), level.placed(forest, order)]))
    x = level.wide
    if children[0]._ohe:
        nought = builder.add("Equal", x, builder.constant(0.0))
        x = builder.add("Where", nought, builder.constant(np.nan), x)
    return builder.cast(forest_node(builder, x, forests), np.float32)


def _catboost(level: Level, children: Sequence[Any]) -> str:
    builder, parts = level.builder, [catboost_forest(child.model) for child in children]
    forests = [
        level.placed(forest, _columns(child)) for child, (forest, _, _) in zip(children, parts, strict=True)
    ]
    total = forest_node(builder, level.wide, forests)
    scale = builder.constant([scale for _, scale, _ in parts], np.float64)
    bias = builder.constant([bias for _, _, bias in parts], np.float64)
    return builder.cast(builder.add("Add", builder.add("Mul", total, scale), bias), np.float32)


def _forest(level: Level, children: Sequence[Any]) -> str:
    builder = level.builder
    forests = [level.placed(sklearn_forest(child.model), _columns(child)) for child in children]
    total = forest_node(builder, level.wide, forests)
    trees = [len(child.model.estimators_) for child in children]
    return builder.cast(builder.add("Div", total, builder.constant(trees, np.float64)), np.float32)


def _linear(level: Level, children: Sequence[Any]) -> str:
    layers = [
        [(np.atleast_2d(child.model.coef_), np.atleast_1d(child.model.intercept_))] for child in children
    ]
    return _networks(level, [child._pipeline for child in children], layers)


def _torch(level: Level, children: Sequence[Any]) -> str:
    builder = level.builder
    for child in children:
        if child.features_to_drop or child.model.has_embed_features:
            raise ExportError("expected a network on numbers alone, got embeddings; encode the columns")
    raw = _networks(
        level, [child.processor for child in children], [_layers(child.model) for child in children],
        rounded=False,
    )  # fmt: skip
    span, lower = ([_range(child.model)[at] for child in children] for at in (0, 1))
    shares = builder.add("Mul", builder.add("Sigmoid", raw), builder.constant(span, np.float64))
    return builder.cast(builder.add("Add", shares, builder.constant(lower, np.float64)), np.float32)


def _range(network: Any) -> tuple[float, float]:
    """The width of the answers' range and its lower end."""
    if network.y_constraint != "bounded":
        raise ExportError(
            f"expected a network with bounded answers, got {network.y_constraint!r}; leave y_range"
        )
    return float(network.y_span), float(network.y_lower)


def _layers(network: nn.Module) -> list[tuple[Any, Any]]:
    """The linear layers of an EmbedNet, between which there must be ReLU and nothing else that counts."""
    modules = [each for each in network.main_block if not isinstance(each, nn.Dropout)]  # type: ignore[union-attr]
    linear, between = modules[::2], modules[1::2]
    if not all(isinstance(each, nn.Linear) for each in linear) or not all(
        isinstance(each, nn.ReLU) for each in between
    ):
        raise ExportError(
            "expected linear layers with ReLU between, got others; leave out use_batchnorm and activation"
        )
    return [(each.weight.detach().numpy(), each.bias.detach().numpy()) for each in linear]


def _networks(
    level: Level, transformers: Sequence[Any], layers: Sequence[Any], *, rounded: bool = True
) -> str:
    """Write each fold's transformer and layers; returns [batch, folds], float32 if ``rounded``."""
    builder = level.builder
    prepared = PreparedColumns(builder, level.x, level.names, binary=level.binary)
    places = [prepared.add(transformer) for transformer in transformers]
    prepared.write()
    for name, jumps in prepared.jumps():
        level.note(name, jumps)
    answers = [
        double_layers(builder, prepared.matrix(where), each)
        for where, each in zip(places, layers, strict=True)
    ]
    joint = answers[0] if len(answers) == 1 else builder.add("Concat", *answers, axis=1)
    return builder.cast(joint, np.float32) if rounded else joint


WRITERS: dict[str, Write] = {
    "LGBModel": _lightgbm,
    "XGBoostModel": _xgboost,
    "CatBoostModel": _catboost,
    "RFModel": _forest,
    "XTModel": _forest,
    "SteadyXGBoost": _xgboost,
    "SteadyLinear": _linear,
    "SteadyNetwork": _torch,
    "LinearModel": _linear,
    "TabularNeuralNetTorchModel": _torch,
}
"""By class of AutoGluon's models; its own of those in ``models.steady`` agree to about 1e-6 only."""
