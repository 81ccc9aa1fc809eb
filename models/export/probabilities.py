"""Probabilities in a graph: from raw scores, kept off nought, tempered, and the class that they name."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from models.export.builder import GraphBuilder
from models.steady import LEAST


def width_of(model: Any) -> int:
    """How many columns a model of AutoGluon's answers with: of two classes it names the second's alone."""
    return int(model.num_classes) if model.problem_type == "multiclass" else 1


def fold_shares(builder: GraphBuilder, wide: str, folds: int, width: int, *, scores: bool) -> str:
    """Each fold's probabilities [batch, folds * width], none of them nought.

    ``wide`` are raw ``scores``, or probabilities.
    """
    if width == 1:
        return proper_share(builder, builder.add("Sigmoid", wide) if scores else wide)
    by_fold = builder.add("Reshape", wide, builder.constant([-1, folds, width], np.int64))
    shares = proper_shares(builder, builder.add("Softmax", by_fold, axis=-1) if scores else by_fold)
    return builder.add("Reshape", shares, builder.constant([-1, folds * width], np.int64))


def proper(builder: GraphBuilder, shares: str, width: int) -> str:
    """Probabilities [batch, width], none of them nought."""
    return proper_share(builder, shares) if width == 1 else proper_shares(builder, shares)


def proper_share(builder: GraphBuilder, share: str) -> str:
    """A second class's probability kept off 0 and 1, as AutoGluon's ``normalize_binary_probas`` does."""
    least, most = builder.constant(LEAST), builder.constant(1 - LEAST)
    below = builder.add("Mul", builder.add("Exp", builder.add("Sub", share, least)), least)
    above = builder.add("Mul", builder.add("Exp", builder.add("Sub", most, share)), least)
    above = builder.add("Sub", builder.constant(1.0), above)
    kept = builder.add("Where", builder.add("Less", share, least), below, share)
    return builder.add("Where", builder.add("Greater", share, most), above, kept)


def proper_shares(builder: GraphBuilder, shares: str) -> str:
    """Probabilities [..., classes], each at least ``LEAST`` of their sum, which is 1 afterwards."""
    kept = builder.add("Max", shares, builder.constant(LEAST))
    total = builder.add("ReduceSum", kept, builder.constant([-1], np.int64), keepdims=1)
    return builder.add("Div", kept, total)


def all_classes(builder: GraphBuilder, shares: str, width: int) -> str:
    """Probabilities of all classes [batch, classes] float64 from a model's answer float32."""
    wide = builder.cast(shares, np.float64)
    return wide if width > 1 else builder.add(
        "Concat", builder.add("Sub", builder.constant(1.0), wide), wide, axis=1
    )  # fmt: skip


def tempered(builder: GraphBuilder, shares: str, temperature: float) -> str:
    """Probabilities [batch, classes] to the power 1 / ``temperature``, adding up to 1 again."""
    cooled = builder.add("Div", builder.add("Log", shares), builder.constant(temperature, np.float64))
    return builder.add("Softmax", cooled, axis=1)


def label(builder: GraphBuilder, shares: str, classes: Sequence[str]) -> str:
    """The most probable class [batch, 1] string, the first of equals."""
    place = builder.add("ArgMax", shares, axis=1, keepdims=1)
    return builder.add("Gather", builder.constant(np.array(classes, dtype=object)), place, axis=0)
