"""Trees of any library in one form, and that form as a TreeEnsemble node."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from onnx import numpy_helper

from models.export.builder import ML, GraphBuilder

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Forest:
    """Trees whose nodes ask whether ``x[column] <= split``.

    Arrays over nodes: ``column``, ``split``, ``yes`` and ``no`` (the next node, or ~leaf when negative) and
    ``missing`` (whether NaN goes to ``yes``). ``leaf`` holds the leaves' values, ``roots`` the first node of
    each tree, ~leaf for a tree of one leaf. What a row gets is the sum over trees.
    """

    column: Ints
    split: Floats
    yes: Ints
    no: Ints
    missing: NDArray[np.bool_]
    leaf: Floats
    roots: Ints

    def on(self, columns: Sequence[int]) -> "Forest":
        """The same trees, whose column i is column ``columns[i]`` of a wider table."""
        return Forest(
            np.asarray(columns, dtype=np.int64)[self.column], self.split, self.yes, self.no, self.missing,
            self.leaf, self.roots,
        )  # fmt: skip

    def complete(self) -> "Forest":
        """The same trees for columns without missing values."""
        return replace(self, missing=np.zeros_like(self.missing))


def joined(forests: Sequence[Forest]) -> Forest:
    """All trees of several forests, in order."""
    nodes = np.cumsum([0, *(len(forest.column) for forest in forests)])[:-1]
    leaves = np.cumsum([0, *(len(forest.leaf) for forest in forests)])[:-1]

    def moved(ids: Ints, node: int, leaf: int) -> Ints:
        return np.where(ids >= 0, ids + node, ids - leaf)

    places = list(zip(forests, nodes, leaves, strict=True))
    return Forest(
        column=np.concatenate([forest.column for forest in forests]),
        split=np.concatenate([forest.split for forest in forests]),
        yes=np.concatenate([moved(forest.yes, node, leaf) for forest, node, leaf in places]),
        no=np.concatenate([moved(forest.no, node, leaf) for forest, node, leaf in places]),
        missing=np.concatenate([forest.missing for forest in forests]),
        leaf=np.concatenate([forest.leaf for forest in forests]),
        roots=np.concatenate([moved(forest.roots, node, leaf) for forest, node, leaf in places]),
    )


def constant_tree(value: float) -> Forest:
    """A tree of one leaf."""
    none = np.empty(0, dtype=np.int64)
    return Forest(
        none, none.astype(np.float64), none, none, none.astype(bool), np.array([value]), np.array([-1])
    )


def forest_node(builder: GraphBuilder, x: str, forests: Sequence[Forest]) -> str:
    """Add one node that sums each forest into a column of its own; returns [batch, forests] float64.

    ``x`` is [batch, columns] float64, in which splits are compared and leaves summed, tree after tree.
    """
    whole = _branched(joined(forests))
    targets = np.repeat(np.arange(len(forests)), [len(forest.leaf) for forest in forests])
    yes, no = whole.yes, whole.no
    return builder.add(
        "TreeEnsemble", x, domain=ML, n_targets=len(forests), aggregate_function=1, post_transform=0,
        nodes_featureids=whole.column.tolist(),
        nodes_splits=numpy_helper.from_array(whole.split),
        nodes_modes=numpy_helper.from_array(np.zeros(len(whole.column), dtype=np.uint8)),
        nodes_truenodeids=np.where(yes >= 0, yes, ~yes).tolist(),
        nodes_falsenodeids=np.where(no >= 0, no, ~no).tolist(),
        nodes_trueleafs=(yes < 0).astype(int).tolist(),
        nodes_falseleafs=(no < 0).astype(int).tolist(),
        nodes_missing_value_tracks_true=whole.missing.astype(int).tolist(),
        leaf_targetids=targets.tolist(),
        leaf_weights=numpy_helper.from_array(whole.leaf),
        tree_roots=whole.roots.tolist(),
    )  # fmt: skip


def forest_nodes(builder: GraphBuilder, x: str, forests: Sequence[Forest]) -> str:
    """Add a node a forest: as ``forest_node``, and quicker where the forests have many trees.

    onnxruntime keeps a list of sums a row for a node of several, one number for a node of one.
    """
    sums = [forest_node(builder, x, [forest]) for forest in forests]
    return sums[0] if len(sums) == 1 else builder.add("Concat", *sums, axis=1)


def _branched(forest: Forest) -> Forest:
    """The same forest; a tree of one leaf becomes a node with that leaf on both sides, as ONNX wants it."""
    lone = np.flatnonzero(forest.roots < 0)
    if not len(lone):
        return forest
    count = len(lone)
    leaves = forest.roots[lone]
    roots = forest.roots.copy()
    roots[lone] = len(forest.column) + np.arange(count)
    return Forest(
        column=np.concatenate([forest.column, np.zeros(count, dtype=np.int64)]),
        split=np.concatenate([forest.split, np.zeros(count)]),
        yes=np.concatenate([forest.yes, leaves]),
        no=np.concatenate([forest.no, leaves]),
        missing=np.concatenate([forest.missing, np.zeros(count, dtype=bool)]),
        leaf=forest.leaf,
        roots=roots,
    )
