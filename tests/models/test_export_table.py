"""One graph from raw columns to the price, checked against the Python path in every case."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder
from torch import nn

from models.errors import ExportError
from models.export.network import network_graph
from models.export.parity import check_cases
from models.export.table import export_network_table
from models.table import fit_network, predict_network
from models.task import Served

pytestmark = pytest.mark.slow

NUMBERS, CATEGORIES = ["area", "built", "sold"], ["town", "quality"]
LEVELS = ["Poor", "Fair", "Good"]
FORMULAS = {"age": "sold - built", "worth": "0.5 * area + (area - built)"}
FITTED_ON = ["area", "age", "worth", "town", "quality"]


def raw(count: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "area": rng.normal(1500, 300, count),
            "built": rng.integers(1900, 2000, count),
            "sold": rng.integers(2006, 2011, count),
            "town": rng.choice(["Ames", "Nevada", "Élan", ""], count),
            "quality": rng.choice([*LEVELS, ""], count),
        }
    )
    frame[NUMBERS] = frame[NUMBERS].astype("float32")
    frame.loc[::9, "area"] = np.nan
    return frame


def derived(frame: pd.DataFrame) -> pd.DataFrame:
    half = np.float32(0.5)
    return frame.assign(
        age=frame["sold"] - frame["built"], worth=half * frame["area"] + (frame["area"] - frame["built"])
    )[FITTED_ON]


def encoder() -> ColumnTransformer:
    ranks = OrdinalEncoder(
        categories=[LEVELS], handle_unknown="use_encoded_value", unknown_value=np.nan, dtype=np.float32
    )
    parts = [
        ("n", SimpleImputer(strategy="median"), ["area", "age", "worth"]),
        ("o", make_pipeline(ranks, SimpleImputer(strategy="median")), ["quality"]),
        ("c", OneHotEncoder(handle_unknown="ignore", sparse_output=False, dtype=np.float32), ["town"]),
    ]
    return ColumnTransformer(parts).set_output(transform="pandas")


def test_the_graph_answers_as_python_does_in_every_case():
    frame = raw()
    fitted = encoder().fit(derived(frame))
    y = pd.Series(100 * frame["area"].fillna(1400) * (1 + (frame["quality"] == "Good")))

    def encode(rows: pd.DataFrame) -> pd.DataFrame:
        finite = derived(rows).replace([np.inf, -np.inf], np.nan)
        return pd.DataFrame(fitted.transform(finite)).astype("float32")

    params = {"network": {"members": 4, "width": 16, "embedding": "piecewise"}}
    X = encode(frame)
    network, _ = fit_network(
        (X, y), (X, y), network="tabm", params=params, epochs=3, patience=None, seed=0, threads=1,
        output="price", progress=False,
    )  # fmt: skip
    model = export_network_table(
        fitted, network.task.served(), numbers=NUMBERS, categories=CATEGORIES, formulas=FORMULAS
    )

    def answer(columns):
        rows = pd.DataFrame({name: np.asarray(values).reshape(-1) for name, values in columns.items()})
        return predict_network(network, encode(rows))

    reports = check_cases(
        model,
        {name: frame[name].to_numpy() for name in frame},
        answer,
        numbers=NUMBERS,
        categories=CATEGORIES,
    )
    assert len(reports) == 14
    assert max(report.max_relative for report in reports.values()) < 1e-5
    assert [value.name for value in model.graph.input] == NUMBERS + CATEGORIES
    assert [value.name for value in model.graph.output] == ["price"]
    assert b"/" + __file__.split("/")[1].encode() + b"/" not in model.SerializeToString()
    with pytest.raises(ExportError, match="an encoder of 5 features, got"):
        served = Served(nn.Linear(5, 1), {"input": torch.zeros(2, 5)}, ("price",))
        export_network_table(fitted, served, numbers=NUMBERS, categories=CATEGORIES, formulas=FORMULAS)


def test_a_module_that_looks_at_the_batch_size_is_refused():
    class Frozen(nn.Module):
        def forward(self, x):
            return x.reshape(2, -1) if x.shape[0] == 2 else x

    with pytest.raises(ExportError, match=r"mend Frozen\.forward"):
        network_graph(Served(Frozen(), {"x": torch.zeros(2, 3)}, ("y",)))
