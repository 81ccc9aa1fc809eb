"""Trees of four libraries as graphs: on the splits, beside them, and where nothing is split."""

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

from models.errors import ExportError
from models.export.builder import GraphBuilder
from models.export.forests import catboost_forests, lightgbm_forests, sklearn_forests, xgboost_forests
from models.export.trees import Forest, constant_tree, forest_node, forest_nodes

COLUMNS = 4


def rows(seed: int, count: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    x = generator.lognormal(size=(count, COLUMNS)).astype(np.float32)
    x[:, 1] = generator.integers(0, 3, count)
    return x


X = rows(0, 300)
Y = np.log(X[:, 0]) + 0.5 * (X[:, 1] == 2) + 0.1 * X[:, 2]


def on_every_split(forest: Forest) -> np.ndarray:
    """For each split a row on it, and on the float32 on either side."""
    placed = []
    for column, split in zip(forest.column, forest.split, strict=True):
        near = np.float32(split)
        for value in (near, np.nextafter(near, np.float32(np.inf)), np.nextafter(near, np.float32(-np.inf))):
            row = np.median(X, axis=0)
            row[column] = value
            placed.append(row)
    return np.array(placed, dtype=np.float32)


def answer(forests: list[Forest], x: np.ndarray, write=forest_node) -> np.ndarray:
    builder = GraphBuilder()
    value = write(builder, builder.cast("x", np.float64), forests)
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", x.shape[1]])]
    model = builder.model(inputs, {"y": (value, TensorProto.DOUBLE, len(forests))})
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


def lightgbm():
    import lightgbm as lgb

    booster = lgb.train(
        {"verbose": -1, "num_leaves": 7, "num_threads": 1}, lgb.Dataset(X, Y), num_boost_round=20
    )
    (forest,) = lightgbm_forests(booster)
    return forest, booster.predict


def catboost():
    from catboost import CatBoostRegressor

    model = CatBoostRegressor(iterations=20, depth=3, verbose=0, allow_writing_files=False, random_seed=0)
    (forest,), scale, (bias,) = catboost_forests(model.fit(X, Y))
    return forest, lambda x: (model.predict(x) - bias) / scale


@pytest.mark.parametrize("library", [lightgbm, catboost])
def test_boosted_trees_answer_as_their_library_does(library):
    forest, predict = library()
    for x in (rows(1, 500), on_every_split(forest)):
        assert answer([forest], x)[:, 0] == pytest.approx(predict(x), abs=1e-12)


def test_xgboosts_trees_take_the_same_leaves_and_begin_at_its_base_score():
    from xgboost import XGBRegressor

    model = XGBRegressor(n_estimators=20, max_depth=3, n_jobs=1).fit(X, Y)
    (forest,) = xgboost_forests(model.get_booster())
    assert forest.leaf[0] != 0
    for x in (rows(1, 500), on_every_split(forest)):
        got = answer([forest], x)[:, 0]
        assert got == pytest.approx(model.predict(x).astype(np.float64), rel=0, abs=1e-6)


def test_missing_values_take_the_branch_that_the_library_takes():
    import lightgbm as lgb
    from xgboost import XGBRegressor

    holed = np.where(np.random.default_rng(2).random(X.shape) < 0.2, np.nan, X).astype(np.float32)
    booster = lgb.train({"verbose": -1, "num_threads": 1}, lgb.Dataset(holed, Y), num_boost_round=10)
    assert answer(lightgbm_forests(booster), holed)[:, 0] == pytest.approx(booster.predict(holed), abs=1e-12)
    model = XGBRegressor(n_estimators=10, max_depth=3, n_jobs=1).fit(holed, Y)
    got = answer(xgboost_forests(model.get_booster()), holed)[:, 0]
    assert got == pytest.approx(model.predict(holed), abs=1e-6)


@pytest.mark.parametrize("kind", ["RandomForestRegressor", "ExtraTreesRegressor"])
def test_forests_answer_as_scikit_learn_does(kind):
    from sklearn import ensemble

    model = getattr(ensemble, kind)(10, random_state=0).fit(X, Y)
    (forest,) = sklearn_forests(model)
    for x in (rows(1, 500), on_every_split(forest)):
        assert answer([forest], x)[:, 0] / 10 == pytest.approx(model.predict(x), abs=1e-12)


CLASSES = np.digitize(Y, [-0.3, 0.5])
"""Three classes; the last two joined are the two of a binary target."""


@pytest.mark.parametrize("target", [CLASSES, np.minimum(CLASSES, 1)], ids=["three", "two"])
def test_classifiers_have_a_forest_a_class_and_of_two_classes_one(target):
    import lightgbm as lgb
    from catboost import CatBoostClassifier
    from sklearn.ensemble import ExtraTreesClassifier
    from xgboost import XGBClassifier

    x, count = rows(1, 500), 3 if target.max() == 2 else 1
    kind = {"objective": "multiclass", "num_class": 3} if count == 3 else {"objective": "binary"}
    booster = lgb.train({"verbose": -1, "num_threads": 1, **kind}, lgb.Dataset(X, target), 10)
    scores = answer(lightgbm_forests(booster), x)
    assert scores == pytest.approx(booster.predict(x, raw_score=True).reshape(-1, count), abs=1e-12)

    cat = CatBoostClassifier(iterations=10, depth=3, verbose=0, allow_writing_files=False, random_seed=0)
    forests, scale, biases = catboost_forests(cat.fit(X, target))
    wanted = cat.predict(x, prediction_type="RawFormulaVal").reshape(-1, count)
    assert scale * answer(forests, x) + biases == pytest.approx(wanted, abs=1e-12)

    xgb = XGBClassifier(n_estimators=10, max_depth=3, n_jobs=1).fit(X, target)
    wanted = xgb.predict(x, output_margin=True).reshape(-1, count)
    assert answer(xgboost_forests(xgb.get_booster()), x) == pytest.approx(wanted, abs=1e-6)

    trees = ExtraTreesClassifier(10, random_state=0).fit(X, target)
    wanted = trees.predict_proba(x)[:, -count:]
    assert answer(sklearn_forests(trees), x) / 10 == pytest.approx(wanted, abs=1e-12)


def test_each_forest_has_a_column_of_its_own_and_columns_may_lie_elsewhere():
    forest, predict = lightgbm()
    wide = np.hstack([np.full((50, 2), 7, dtype=np.float32), rows(3, 50)])
    got = answer([constant_tree(1.5), forest.on([2, 3, 4, 5])], wide)
    assert got[:, 0] == pytest.approx(np.full(50, 1.5))
    assert got[:, 1] == pytest.approx(predict(wide[:, 2:]), abs=1e-12)


def test_a_categorical_split_is_refused():
    import lightgbm as lgb

    data = lgb.Dataset(X, Y, categorical_feature=[1])
    booster = lgb.train({"verbose": -1, "min_data_in_leaf": 5, "num_threads": 1}, data, num_boost_round=5)
    with pytest.raises(ExportError, match="categorical split"):
        lightgbm_forests(booster)


@pytest.mark.parametrize("count", [1, 3])
def test_a_node_a_forest_answers_as_one_node_of_all(count):
    forests = [lightgbm()[0], constant_tree(0.5), catboost()[0]][:count]
    np.testing.assert_allclose(answer(forests, X, forest_nodes), answer(forests, X), rtol=0, atol=1e-13)


def test_complete_trees_answer_alike_where_nothing_is_missing():
    forest, _ = catboost()
    assert forest.missing.any()
    x = on_every_split(forest)
    np.testing.assert_array_equal(answer([forest.complete()], x), answer([forest], x))
