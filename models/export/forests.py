"""Fitted trees of LightGBM, XGBoost, CatBoost and scikit-learn, read into one form.

A model of one answer is one forest, a classifier of more than two classes one for each class. Each library
asks its question in its own way: LightGBM and scikit-learn ``x <= t`` in double precision, XGBoost ``x < t``
and CatBoost ``x > t`` in single precision. All become ``x <= t`` with the same answer for every float32 x:
for ``x < t`` the split is the float32 next below t, for ``x > t`` the sides change places.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import ExportError
from models.export.trees import Forest, constant_tree, joined
from models.xgboost_content import XGBoostContent

_CATEGORICAL, _DEFAULT_LEFT = 1, 2
_MISSING_NONE, _MISSING_ZERO, _MISSING_NAN = 0, 1, 2


def lightgbm_forests(booster: Any) -> list[Forest]:
    """The trees of a lightgbm.Booster up to its best iteration; a forest's sum is a raw score."""
    text = booster.model_to_string(num_iteration=booster.best_iteration)
    blocks = text.split("\nend of trees")[0].split("\nTree=")[1:]
    trees = [_lightgbm_tree(_fields(block)) for block in blocks]
    scores = booster.num_model_per_iteration()
    return [joined(trees[at::scores]) for at in range(scores)]


def _fields(block: str) -> dict[str, str]:
    lines = [line.partition("=") for line in block.splitlines()[1:] if "=" in line]
    return {key: value for key, _, value in lines}


def _lightgbm_tree(fields: dict[str, str]) -> Forest:
    leaf = np.array(fields["leaf_value"].split(), dtype=np.float64)
    if int(fields["num_leaves"]) == 1:
        return constant_tree(float(leaf[0]))
    decision = _ints(fields["decision_type"])
    split = np.array(fields["threshold"].split(), dtype=np.float64)
    kind = decision >> 2
    if (decision & _CATEGORICAL).any() or (kind == _MISSING_ZERO).any() or fields.get("is_linear") == "1":
        raise ExportError(
            "expected LightGBM trees of plain number splits, got a categorical split, zero as missing or a "
            "linear leaf; encode the columns and leave those settings out"
        )
    # Where no value was missing in training LightGBM reads NaN as nought.
    left = np.where(kind == _MISSING_NAN, (decision & _DEFAULT_LEFT) > 0, split >= 0)
    return Forest(
        column=_ints(fields["split_feature"]), split=split, yes=_ints(fields["left_child"]),
        no=_ints(fields["right_child"]), missing=left, leaf=leaf, roots=np.array([0]),
    )  # fmt: skip


def xgboost_forests(booster: Any) -> list[Forest]:
    """The trees of an xgboost.Booster up to its best iteration; a forest's sum is a raw score.

    The score that a sum begins with is a tree of one leaf.
    """
    content = XGBoostContent.of(booster)
    rounds = getattr(booster, "best_iteration", None)
    kept = len(content.trees) if rounds is None else content.per_round * (rounds + 1)
    forests: list[list[Forest]] = [[constant_tree(float(base))] for base in content.bases]
    for tree, score in zip(content.trees[:kept], content.scores, strict=False):
        forests[score].append(_xgboost_tree(tree))
    return [joined(forest) for forest in forests]


def _xgboost_tree(tree: dict[str, Any]) -> Forest:
    left = np.array(tree["left_children"], dtype=np.int64)
    values = np.array(tree["split_conditions"], dtype=np.float32)
    if any(tree["split_type"]):
        raise ExportError("expected XGBoost trees of number splits, got a categorical one; encode the column")
    inner = left >= 0
    ids = _ids(inner)
    if not inner.any():
        return constant_tree(float(values[0]))
    return Forest(
        column=np.array(tree["split_indices"], dtype=np.int64)[inner],
        split=np.nextafter(values[inner], np.float32(-np.inf)).astype(np.float64),
        yes=ids[left[inner]],
        no=ids[np.array(tree["right_children"], dtype=np.int64)[inner]],
        missing=np.array(tree["default_left"], dtype=bool)[inner],
        leaf=values[~inner].astype(np.float64),
        roots=np.array([0]),
    )


def sklearn_forests(forest: Any) -> list[Forest]:
    """The trees of a scikit-learn forest of one output; it answers their sum over their number.

    A classifier answers probabilities: of two classes the second's, of more classes each one's.
    """
    classes = len(getattr(forest, "classes_", [0]))
    answers = [1] if classes == 2 else range(classes)
    return [joined([_sklearn_tree(each.tree_, at) for each in forest.estimators_]) for at in answers]


def _sklearn_tree(tree: Any, answer: int) -> Forest:
    inner = tree.children_left >= 0
    value = tree.value[:, 0, answer]
    if not inner.any():
        return constant_tree(float(value[0]))
    ids = _ids(inner)
    return Forest(
        column=tree.feature[inner].astype(np.int64),
        split=tree.threshold[inner].astype(np.float64),
        yes=ids[tree.children_left[inner]],
        no=ids[tree.children_right[inner]],
        missing=np.zeros(inner.sum(), dtype=bool),
        leaf=value[~inner].astype(np.float64),
        roots=np.array([0]),
    )


def catboost_forests(model: Any) -> tuple[list[Forest], float, list[float]]:
    """The oblivious trees of a CatBoost model, and scale and biases: a raw score is scale * sum + bias."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        model.save_model(str(path), format="json")
        content = json.loads(path.read_text(encoding="utf-8"))
    features = content["features_info"]
    if "oblivious_trees" not in content or features.get("categorical_features"):
        raise ExportError(
            "expected CatBoost's symmetric trees on numbers, got another grow_policy or categories; "
            "encode the columns and leave grow_policy out"
        )
    flat = {each["feature_index"]: each["flat_feature_index"] for each in features["float_features"]}
    as_true = {
        each["feature_index"] for each in features["float_features"]
        if each.get("nan_value_treatment") == "AsTrue"
    }  # fmt: skip
    scale, biases = content["scale_and_bias"]
    forests = [
        joined([_oblivious(tree, flat, as_true, (at, len(biases))) for tree in content["oblivious_trees"]])
        for at in range(len(biases))
    ]
    return forests, float(scale), [float(bias) for bias in biases]


def _oblivious(
    tree: dict[str, Any], flat: dict[int, int], as_true: set[int], score: tuple[int, int]
) -> Forest:
    """A full tree of depth d: its node asks the last split first, for leaf numbers count from the first.

    A leaf holds one value for each score: those of number ``score[0]`` of ``score[1]`` are taken.
    """
    splits = tree.get("splits") or []
    at_score, scores = score
    leaf = np.array(tree["leaf_values"], dtype=np.float64)[at_score::scores]
    depth = len(splits)
    if not depth:
        return constant_tree(float(leaf[0]))
    level = np.repeat(np.arange(depth), 2 ** np.arange(depth))
    asked = depth - 1 - level
    inner = 2**depth - 1
    children = 2 * np.arange(inner) + 1
    index = np.array([split["float_feature_index"] for split in splits])
    border = np.array([split["border"] for split in splits], dtype=np.float32)

    def at(child: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.where(child < inner, child, ~(child - inner))

    # A value above the border sets the split's bit: it goes to the larger leaf numbers.
    return Forest(
        column=np.array([flat[each] for each in index])[asked],
        split=border.astype(np.float64)[asked],
        yes=at(children),
        no=at(children + 1),
        missing=np.array([each not in as_true for each in index])[asked],
        leaf=leaf,
        roots=np.array([0]),
    )


def _ids(inner: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Each node's new number among the inner ones, ~its number among the leaves for the others."""
    return np.where(inner, np.cumsum(inner) - 1, ~(np.cumsum(~inner) - 1))


def _ints(text: str) -> NDArray[np.int64]:
    return np.array(text.split(), dtype=np.int64)
