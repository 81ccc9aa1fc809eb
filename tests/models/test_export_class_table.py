"""A table of raw columns and a class: one graph, its certificate, its bundle and its answers as served."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder

from models.ensemble import Ensemble
from models.ensemble_fit import fit_ensemble
from models.errors import ParityError
from models.export.bundle import write_table_bundle
from models.export.ensemble import EnsembleGraph
from models.export.parity import check_cases
from models.export.table import export_ensemble_table
from serving.model import load_model

pytestmark = pytest.mark.slow
NUMBERS, CATEGORIES = ["area", "rooms"], ["town"]


def raw(rows: int = 240) -> pd.DataFrame:
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"area": random.lognormal(7, 0.4, rows), "rooms": random.integers(1, 8, rows)}, dtype="float32"
    )
    frame["town"] = random.choice(["Ames", "Élan", ""], rows)
    frame.loc[::9, "area"] = np.nan
    return frame


def kind(frame: pd.DataFrame) -> "pd.Series[str]":
    worth = frame["area"].fillna(1100) * (1 + 0.3 * (frame["town"] == "Ames"))
    return pd.cut(worth, [0, 900, 1500, np.inf], labels=["Hütte", "house", "villa"]).astype(str)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    parts = [
        ("n", SimpleImputer(strategy="median"), NUMBERS),
        ("c", OneHotEncoder(handle_unknown="ignore", sparse_output=False, dtype=np.float32), CATEGORIES),
    ]
    encoder = ColumnTransformer(parts, verbose_feature_names_out=False).set_output(transform="pandas")
    frame, folder = raw(), tmp_path_factory.mktemp("ensemble")
    families = {"GBM": {"num_boost_round": 20, "min_data_in_leaf": 5}, "LR": {}, "XGB": {"n_estimators": 10}}
    X = encoder.fit_transform(frame).astype("float32")
    fit_ensemble(
        X, kind(frame), folder=folder, families=families, folds=2, stack_levels=1, target="category",
        progress=False,
    )  # fmt: skip
    ensemble = Ensemble(folder)
    graph = export_ensemble_table(encoder, ensemble, output="kind", numbers=NUMBERS, categories=CATEGORIES)
    return encoder, ensemble, graph


def certify(encoder: ColumnTransformer, ensemble: Ensemble, graph: EnsembleGraph, first: str | None = None):
    def python(columns):
        X = encoder.transform(pd.DataFrame(dict(columns)).replace([np.inf, -np.inf], np.nan))
        names = ensemble.predict(X)
        return {"kind": [first or names[0], *names[1:]], "kind_probability": ensemble.predict_proba(X)}

    frame = raw()
    return check_cases(
        graph.model, {name: frame[name].to_numpy() for name in frame}, python, numbers=NUMBERS,
        categories=CATEGORIES, tolerance=1e-5, splits=graph.splits,
    )  # fmt: skip


def test_probabilities_agree_and_classes_are_the_same_in_every_case(fitted):
    reports = certify(*fitted)
    assert {"given", "all missing", "town unseen", "on every split", "10,000 at once"} <= set(reports)
    assert max(report.max_relative for report in reports.values()) < 1e-6


def test_another_class_fails_whatever_the_probabilities(fitted):
    with pytest.raises(ParityError, match=r"'given', row 0 .* expected barn as in Python, the graph says"):
        certify(*fitted, first="barn")


def test_the_service_tells_the_class_and_its_probabilities(fitted, tmp_path):
    _, ensemble, graph = fitted
    frame, classes = raw(), ensemble.info.classes
    folder = write_table_bundle(
        tmp_path, graph.model, frame, name="kinds", version=1, task="classification",
        outputs={"kind_probability": {"labels": classes, "description": "of each kind"}},
    )  # fmt: skip
    record = {"area": 2500.0, "rooms": 6.0, "town": "Ames"}
    (answer,) = load_model(folder).predict(json.loads(json.dumps([record])), max_rows=10)
    assert answer["kind"] == "villa"
    assert set(answer["kind_probability"]) == {"Hütte", "house", "villa"}
    assert sum(answer["kind_probability"].values()) == pytest.approx(1, abs=1e-6)
    assert max(answer["kind_probability"], key=answer["kind_probability"].get) == "villa"
