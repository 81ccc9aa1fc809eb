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
from models.export.forests import catboost_forests, lightgbm_forests, sklearn_forests, xgboost_forests
from models.export.prepared import PreparedColumns, double_layers
from models.export.probabilities import fold_shares, width_of
from models.export.trees import Forest, forest_nodes


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
"""Writes the folds of one member; returns their numbers, scores or shares [batch, folds * K] float64."""


def member(level: Level, children: Sequence[Any]) -> str:
    """Write a bagged model from its fitted folds (AutoGluon's models).

    Returns its answer [batch, K] float32: K is 1 for a number, and for two classes, of which the second's
    probability is answered; otherwise one probability a class. Raises ExportError for a family that there
    is no graph of.
    """
    kind = type(children[0]).__name__
    if kind not in WRITERS:
        raise ExportError(f"expected models among {', '.join(WRITERS)}, got {kind}; leave that family out")
    builder, folds = level.builder, len(children)
    wide = WRITERS[kind](level, children)
    width = width_of(children[0])
    if children[0].problem_type != "regression":
        wide = fold_shares(builder, wide, folds, width, scores=kind not in PROBABILITIES)
    answers = builder.cast(wide, np.float32)
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
    return _trees(level, level.wide, [(child, lightgbm_forests(child.model)) for child in children])


def _xgboost(level: Level, children: Sequence[Any]) -> str:
    """A nought is missing to XGBoost, which AutoGluon gives a sparse table."""
    builder, x = level.builder, level.wide
    if children[0]._ohe:
        nought = builder.add("Equal", x, builder.constant(0.0))
        x = builder.add("Where", nought, builder.constant(np.nan), x)
    pairs = [(child, xgboost_forests(child.model.get_booster())) for child in children]
    return _trees(level, x, pairs, missing=x != level.wide)


def _catboost(level: Level, children: Sequence[Any]) -> str:
    builder, parts = level.builder, [catboost_forests(child.model) for child in children]
    pairs = [(child, forests) for child, (forests, _, _) in zip(children, parts, strict=True)]
    total = _trees(level, level.wide, pairs)
    scales = [scale for _, scale, biases in parts for _ in biases]
    scale = builder.constant(scales, np.float64)
    bias = builder.constant([bias for _, _, biases in parts for bias in biases], np.float64)
    return builder.add("Add", builder.add("Mul", total, scale), bias)


def _forest(level: Level, children: Sequence[Any]) -> str:
    pairs = [(child, sklearn_forests(child.model)) for child in children]
    counts = [len(child.model.estimators_) for child, forests in pairs for _ in forests]
    return level.builder.add(
        "Div", _trees(level, level.wide, pairs), level.builder.constant(counts, np.float64)
    )


def _trees(level: Level, x: str, pairs: Sequence[tuple[Any, list[Forest]]], *, missing: bool = False) -> str:
    """The sums of the forests of all folds; those of a fold stand side by side.

    Without ``missing`` values in ``x`` onnxruntime need not look for them at every split.
    """
    placed = [level.placed(forest, _inputs(child)) for child, forests in pairs for forest in forests]
    return forest_nodes(level.builder, x, placed if missing else [each.complete() for each in placed])


def _inputs(child: Any) -> list[str]:
    """The columns that a fold's trees number: XGBoost's may be put in another order by its own encoder."""
    ohe = getattr(child, "_ohe_generator", None) if getattr(child, "_ohe", None) else None
    return list(ohe.other_cols) if ohe else _columns(child)


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
    raw = _networks(level, [child.processor for child in children], [_layers(child) for child in children])
    if children[0].problem_type != "regression":
        return raw
    span, lower = ([_range(child.model)[at] for child in children] for at in (0, 1))
    shares = builder.add("Mul", builder.add("Sigmoid", raw), builder.constant(span, np.float64))
    return builder.add("Add", shares, builder.constant(lower, np.float64))


def _range(network: Any) -> tuple[float, float]:
    """The width of the answers' range and its lower end."""
    if network.y_constraint != "bounded":
        raise ExportError(
            f"expected a network with bounded answers, got {network.y_constraint!r}; leave y_range"
        )
    return float(network.y_span), float(network.y_lower)


def _layers(child: Any) -> list[tuple[Any, Any]]:
    """The linear layers of an EmbedNet, between which there must be ReLU and nothing else that counts.

    Of two classes' scores the difference is answered, which the logistic function turns into the second's
    probability.
    """
    modules = [each for each in child.model.main_block if not isinstance(each, nn.Dropout)]
    linear, between = modules[::2], modules[1::2]
    if not all(isinstance(each, nn.Linear) for each in linear) or not all(
        isinstance(each, nn.ReLU) for each in between
    ):
        raise ExportError(
            "expected linear layers with ReLU between, got others; leave out use_batchnorm and activation"
        )
    layers = [(each.weight.detach().double().numpy(), each.bias.detach().double().numpy()) for each in linear]
    if child.problem_type == "binary":
        weight, bias = layers[-1]
        layers[-1] = (weight[1:] - weight[:1], bias[1:] - bias[:1])
    return layers


def _networks(level: Level, transformers: Sequence[Any], layers: Sequence[Any]) -> str:
    """Write each fold's transformer and layers."""
    builder = level.builder
    prepared = PreparedColumns(builder, level.x, level.names, binary=level.binary)
    places = [prepared.add(transformer) for transformer in transformers]
    prepared.write()
    for name, jumps in prepared.jumps():
        level.note(name, jumps)
    if all(len(each) == 1 for each in layers):
        return double_layers(builder, prepared.whole, [prepared.joined(places, [each[0] for each in layers])])
    answers = [
        double_layers(builder, prepared.matrix(where), each)
        for where, each in zip(places, layers, strict=True)
    ]
    return answers[0] if len(answers) == 1 else builder.add("Concat", *answers, axis=1)


WRITERS: dict[str, Write] = {
    "SteadyLightGBM": _lightgbm,
    "SteadyXGBoost": _xgboost,
    "SteadyCatBoost": _catboost,
    "SteadyForest": _forest,
    "SteadyExtraTrees": _forest,
    "SteadyLinear": _linear,
    "SteadyNetwork": _torch,
}
"""By class of the models of ``models.steady``."""

PROBABILITIES = {"SteadyForest", "SteadyExtraTrees"}
"""Those whose trees hold a class's probabilities, and no raw scores."""
