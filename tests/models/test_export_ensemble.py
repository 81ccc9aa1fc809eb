"""AutoGluon's ensemble as one graph: each member and the whole, to the last bit of single precision."""

import numpy as np
import onnxruntime
import pandas as pd
import pytest

from models.ensemble import Ensemble
from models.ensemble_fit import fit_ensemble
from models.errors import ExportError
from models.export.ensemble import ensemble_graph
from tests.models.encoded_houses import FAMILIES, encoded_houses, shuffled

HALF_A_STEP = 2.0**-24
"""Relative: what rounding the last answer to float32 may change."""


def table() -> tuple[pd.DataFrame, "pd.Series[float]"]:
    random = np.random.default_rng(0)
    X = encoded_houses(random)
    y = np.exp(6 + 0.5 * np.log(X["area"]) - 0.005 * X["age"] + 0.1 * X["rank"])
    return X, y * (1 + 0.3 * X["place=North End"]) * random.lognormal(0, 0.05, len(X))


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ensemble, pd.DataFrame]:
    folder = tmp_path_factory.mktemp("ensemble")
    X, y = table()
    fit_ensemble(X, y, folder=folder, families=FAMILIES, folds=3, stack_levels=1, progress=False)
    return Ensemble(folder), shuffled(X)


def answers(model, X: pd.DataFrame, *, batch: int | None = None) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    x, size = X.to_numpy(), batch or len(X)
    parts = [session.run(None, {"features": x[at : at + size]})[0] for at in range(0, len(x), size)]
    return np.concatenate(parts)[:, 0]


def predicted(ensemble: Ensemble, X: pd.DataFrame, member: str) -> np.ndarray:
    return np.expm1(np.asarray(ensemble.predictor.predict(X, model=member), dtype=np.float64))


@pytest.mark.slow
def test_every_member_answers_as_autogluon_does(fitted):
    ensemble, X = fitted
    members = ensemble.predictor.model_names()
    assert len(members) == 2 * len(FAMILIES) + 2
    for member in members:
        got = answers(ensemble_graph(ensemble, model=member).model, X)
        wanted = predicted(ensemble, X, member)
        assert np.abs(got / wanted - 1).max() <= 1.01 * HALF_A_STEP, member


@pytest.mark.slow
def test_the_whole_is_the_best_member_and_the_same_row_by_row(fitted):
    ensemble, X = fitted
    graph = ensemble_graph(ensemble, output="price").model
    assert [value.name for value in graph.graph.output] == ["price"]
    together = answers(graph, X)
    assert together == pytest.approx(ensemble.predict(X), rel=1.01 * HALF_A_STEP)
    assert np.array_equal(answers(graph, X.iloc[:40], batch=1), together[:40])


@pytest.mark.slow
def test_a_mean_of_some_members_leaves_out_what_it_does_not_need(fitted):
    ensemble, X = fitted
    weights = {"LightGBM_BAG_L2": 0.25, "CatBoost_BAG_L1": 0.75}
    for chosen in (weights, {"LinearModel_BAG_L1": 1.0}):
        graph = ensemble_graph(ensemble, weights=chosen).model
        assert answers(graph, X) == pytest.approx(ensemble.predict(X, weights=chosen), rel=1.01 * HALF_A_STEP)
    whole = ensemble_graph(ensemble).model
    assert graph.ByteSize() < 0.05 * whole.ByteSize()


@pytest.mark.slow
def test_members_and_what_they_are_stacked_on_are_told(fitted):
    ensemble, X = fitted
    below, members, known = ensemble.below(), ensemble.members(X), ensemble.out_of_fold()
    assert set(below) == set(members) == set(known)
    assert below["CatBoost_BAG_L1"] == ()
    assert set(below["CatBoost_BAG_L2"]) == {name for name in below if name.endswith("_L1")}
    assert {len(values) for values in members.values()} == {len(X)}
    assert {len(values) for values in known.values()} == {len(X) // 2}
    wanted = ensemble.predictor.predict(X, model="XGBoost_BAG_L2")
    assert np.array_equal(members["XGBoost_BAG_L2"], wanted)


@pytest.mark.slow
def test_columns_known_to_be_0_or_1_make_another_graph_and_change_no_answer(fitted):
    ensemble, X = fitted
    binary = [name for name in X.columns if "=" in name]
    for member in ("LinearModel_BAG_L1", "LinearModel_BAG_L2"):
        whole = ensemble_graph(ensemble, model=member).model
        quick = ensemble_graph(ensemble, model=member, binary=binary).model
        assert quick.SerializeToString() != whole.SerializeToString()
        assert np.array_equal(answers(quick, X), answers(whole, X))


@pytest.mark.slow
def test_the_same_call_writes_the_same_graph(fitted):
    ensemble, _ = fitted
    one, two = (ensemble_graph(ensemble).model.SerializeToString() for _ in range(2))
    assert one == two


@pytest.mark.slow
def test_answers_are_the_same_on_every_split_and_a_bit_beside(fitted):
    ensemble, X = fitted
    found = ensemble_graph(ensemble, model="LightGBM_BAG_L2")
    assert len(found.splits["area"]) > 10
    rows = []
    for name, splits in found.splits.items():
        for side in (None, np.inf, -np.inf):
            part = pd.concat([X] * (len(splits) // len(X) + 1)).iloc[: len(splits)].copy()
            part[name] = splits if side is None else np.nextafter(splits, np.float32(side))
            rows.append(part)
    placed = pd.concat(rows, ignore_index=True)
    jumps = np.unique(answers(found.model, placed))
    assert len(jumps) > 10
    wanted = predicted(ensemble, placed, "LightGBM_BAG_L2")
    assert answers(found.model, placed) == pytest.approx(wanted, rel=1.01 * HALF_A_STEP)


@pytest.mark.slow
def test_an_unknown_member_is_told_which_there_are(fitted):
    ensemble, _ = fitted
    with pytest.raises(ExportError, match=r"LightGBM_BAG_L1.*got 'GBM'"):
        ensemble_graph(ensemble, model="GBM")


@pytest.mark.slow
def test_a_rows_answer_does_not_depend_on_its_company(fitted):
    ensemble, X = fitted
    alone = np.concatenate([ensemble.predict(X.iloc[[at]]) for at in range(5)])
    assert np.array_equal(alone, ensemble.predict(X)[:5])


@pytest.mark.slow
def test_a_target_that_is_no_logarithm_and_a_family_without_a_graph(tmp_path):
    X, y = table()
    fit_ensemble(
        X, y, folder=tmp_path, families={"LR": {}, "KNN": {}}, folds=2, stack_levels=0, log_target=False,
        progress=False,
    )  # fmt: skip
    ensemble = Ensemble(tmp_path)
    got = answers(ensemble_graph(ensemble, model="LinearModel_BAG_L1").model, X)
    wanted = np.asarray(ensemble.predictor.predict(X, model="LinearModel_BAG_L1"), dtype=np.float64)
    assert got == pytest.approx(wanted, rel=1e-6)
    with pytest.raises(ExportError, match="KNN"):
        ensemble_graph(ensemble, model="KNeighbors_BAG_L1")
