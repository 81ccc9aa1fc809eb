"""AutoGluon's ensemble of classes as one graph: each member's probabilities, and the class that is named."""

import numpy as np
import onnxruntime
import pandas as pd
import pytest

from models.ensemble import Ensemble
from models.ensemble_fit import fit_ensemble
from models.export.ensemble import ensemble_graph
from tests.models.encoded_houses import FAMILIES, encoded_houses, shuffled

NAMES = {2: ["dear", "cheap"], 3: ["small", "large", "middling"]}


def table(classes: int) -> tuple[pd.DataFrame, "pd.Series[str]"]:
    random = np.random.default_rng(0)
    X = encoded_houses(random)
    score = np.log(X["area"]) - 0.02 * X["age"] + random.normal(0, 0.1, len(X))
    places = pd.qcut(score, classes, labels=False)
    return X, pd.Series([NAMES[classes][place] for place in places], name="size")


@pytest.fixture(scope="module", params=[2, 3], ids=["two", "three"])
def fitted(request, tmp_path_factory: pytest.TempPathFactory) -> tuple[Ensemble, pd.DataFrame]:
    folder = tmp_path_factory.mktemp("ensemble")
    X, y = table(request.param)
    fit_ensemble(
        X, y, folder=folder, families=FAMILIES, folds=3, stack_levels=1, target="category", progress=False
    )
    return Ensemble(folder), shuffled(X)


def answers(model, X: pd.DataFrame, *, batch: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    x, size = X.to_numpy(), batch or len(X)
    parts = [session.run(None, {"features": x[at : at + size]}) for at in range(0, len(x), size)]
    names, shares = (np.concatenate(each) for each in zip(*parts, strict=True))
    return names[:, 0], shares


@pytest.mark.slow
def test_every_member_answers_as_autogluon_does(fitted):
    ensemble, X = fitted
    members = ensemble.predictor.model_names()
    assert len(members) == 2 * len(FAMILIES) + 2
    for member in members:
        names, shares = answers(ensemble_graph(ensemble, model=member).model, X)
        wanted = ensemble.predict_proba(X, model=member)
        # Two steps of float32: one is rounding, one whether AutoGluon divides a mean's rows by their sums.
        assert shares == pytest.approx(wanted, rel=2.0**-22), member
        assert names.tolist() == ensemble.predict(X, model=member).tolist(), member


@pytest.mark.slow
def test_the_whole_names_classes_and_is_the_same_row_by_row(fitted):
    ensemble, X = fitted
    graph = ensemble_graph(ensemble, output="size").model
    assert [value.name for value in graph.graph.output] == ["size", "size_probability"]
    names, shares = answers(graph, X)
    assert set(names) == set(ensemble.info.classes)
    assert shares.sum(axis=1) == pytest.approx(np.ones(len(X)), rel=1e-6)
    alone = answers(graph, X.iloc[:40], batch=1)
    assert np.array_equal(alone[1], shares[:40])
    assert alone[0].tolist() == names[:40].tolist()


@pytest.mark.slow
def test_a_rows_probabilities_do_not_depend_on_its_company(fitted):
    ensemble, X = fitted
    alone = np.concatenate([ensemble.predict_proba(X.iloc[[at]]) for at in range(5)])
    # One step of float32: AutoGluon divides the final mean of all rows by their sums if one row needs it.
    assert alone == pytest.approx(ensemble.predict_proba(X)[:5], rel=2.0**-23)
    below = "LightGBM_BAG_L2"
    alone = np.concatenate([ensemble.predict_proba(X.iloc[[at]], model=below) for at in range(5)])
    assert np.array_equal(alone, ensemble.predict_proba(X, model=below)[:5])


@pytest.mark.slow
def test_it_tells_the_classes_apart(fitted):
    ensemble, _ = fitted
    X, y = table(len(ensemble.info.classes))
    assert ensemble.info.classes == tuple(sorted(set(y)))
    assert (ensemble.predict(X) == y).mean() > 0.8
