"""Trees of four libraries as graphs: on the splits, beside them, and where nothing is split."""

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

from models.errors import ExportError
from models.export.builder import GraphBuilder
from models.export.forests import catboost_forest, lightgbm_forest, sklearn_forest, xgboost_forest
from models.export.trees import Forest, constant_tree, forest_node, joined

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


def answer(forests: list[Forest], x: np.ndarray) -> np.ndarray:
    builder = GraphBuilder()
    value = forest_node(builder, builder.cast("x", np.float64), forests)
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", x.shape[1]])]
    model = builder.model(inputs, {"y": (value, TensorProto.DOUBLE, len(forests))})
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


def lightgbm():
    import lightgbm as lgb

    booster = lgb.train(
        {"verbose": -1, "num_leaves": 7, "num_threads": 1}, lgb.Dataset(X, Y), num_boost_round=20
    )
    return lightgbm_forest(booster), booster.predict


def catboost():
    from catboost import CatBoostRegressor

    model = CatBoostRegressor(iterations=20, depth=3, verbose=0, allow_writing_files=False, random_seed=0)
    forest, scale, bias = catboost_forest(model.fit(X, Y))
    return forest, lambda x: (model.predict(x) - bias) / scale


@pytest.mark.parametrize("library", [lightgbm, catboost])
def test_boosted_trees_answer_as_their_library_does(library):
    forest, predict = library()
    for x in (rows(1, 500), on_every_split(forest)):
        assert answer([forest], x)[:, 0] == pytest.approx(predict(x), abs=1e-12)


def test_xgboosts_trees_take_the_same_leaves_and_begin_at_its_base_score():
    from xgboost import XGBRegressor

    model = XGBRegressor(n_estimators=20, max_depth=3, n_jobs=1).fit(X, Y)
    forest, base = xgboost_forest(model.get_booster())
    assert base != 0
    for x in (rows(1, 500), on_every_split(forest)):
        got = answer([joined([constant_tree(base), forest])], x)[:, 0]
        assert got == pytest.approx(model.predict(x).astype(np.float64), rel=0, abs=1e-6)


def test_missing_values_take_the_branch_that_the_library_takes():
    import lightgbm as lgb
    from xgboost import XGBRegressor

    holed = np.where(np.random.default_rng(2).random(X.shape) < 0.2, np.nan, X).astype(np.float32)
    booster = lgb.train({"verbose": -1, "num_threads": 1}, lgb.Dataset(holed, Y), num_boost_round=10)
    assert answer([lightgbm_forest(booster)], holed)[:, 0] == pytest.approx(booster.predict(holed), abs=1e-12)
    model = XGBRegressor(n_estimators=10, max_depth=3, n_jobs=1).fit(holed, Y)
    forest, base = xgboost_forest(model.get_booster())
    got = answer([joined([constant_tree(base), forest])], holed)[:, 0]
    assert got == pytest.approx(model.predict(holed), abs=1e-6)


@pytest.mark.parametrize("kind", ["RandomForestRegressor", "ExtraTreesRegressor"])
def test_forests_answer_as_scikit_learn_does(kind):
    from sklearn import ensemble

    model = getattr(ensemble, kind)(10, random_state=0).fit(X, Y)
    forest = sklearn_forest(model)
    for x in (rows(1, 500), on_every_split(forest)):
        assert answer([forest], x)[:, 0] / 10 == pytest.approx(model.predict(x), abs=1e-12)


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
        lightgbm_forest(booster)
