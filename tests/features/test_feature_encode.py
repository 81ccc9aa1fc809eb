"""The encoders: names, missing and unseen values, and the same answer from the ONNX graph."""

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.base import clone

from features.columns import Column, raw_inputs
from features.encode import build_encoder, build_selection_encoder, often_missing, selection_frame
from features.errors import FeatureError

AREA = Column("area", "number")
AGE = Column("age", "number")
QUALITY = Column("quality", "category", levels=("Poor", "Fair", "Good", "Excellent"), ordered=True)
STREET = Column("street", "category")
COLUMNS = [STREET, AREA, QUALITY, AGE]


def rows(count: int = 200, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "street": rng.choice(["Elm", "Oak", "Ash & Co., no. 1", "Köln"], count),
            "area": rng.lognormal(7, 1, count),
            "quality": rng.choice(QUALITY.levels, count),
            "age": rng.integers(0, 100, count).astype(float),
        }
    )
    hidden = rng.random((count, 4)) < [0.1, 0.2, 0.1, 0.0]
    return raw_inputs(frame.mask(hidden), COLUMNS)


def test_names_are_clear_and_nothing_is_missing() -> None:
    raw = rows()
    coded = build_encoder(COLUMNS, flag_missing=often_missing(raw, COLUMNS)).fit_transform(raw)
    assert list(coded.columns) == [
        "area",
        "age",
        "area=known",
        "quality",
        "street=",
        "street=Ash & Co., no. 1",
        "street=Elm",
        "street=Köln",
        "street=Oak",
    ]
    assert (coded.dtypes == np.float32).all()
    assert not coded.isna().to_numpy().any()
    assert coded.index.equals(raw.index)


def test_missing_and_unseen_values_become_what_the_docstring_says() -> None:
    raw = rows()
    encoder = build_encoder(COLUMNS, flag_missing=["area"]).fit(raw)
    odd = raw.iloc[:3].assign(
        area=np.float32([np.nan, 5, 6]), quality=["", "Superb", "Good"], street=["", "Never seen", "Elm"]
    )
    coded = encoder.transform(odd)
    assert coded["area"].tolist() == [raw["area"].median(), 5.0, 6.0]
    assert coded["area=known"].tolist() == [0.0, 1.0, 1.0]
    ranks = raw["quality"].map({level: rank for rank, level in enumerate(QUALITY.levels)})
    assert coded["quality"].tolist() == [ranks.median(), ranks.median(), 2.0]
    assert coded.filter(like="street=").sum(axis=1).tolist() == [1.0, 0.0, 1.0]
    assert coded["street="].tolist() == [1.0, 0.0, 0.0]


@pytest.mark.parametrize("columns", [COLUMNS, [AREA], [QUALITY], [STREET], [AREA, STREET]])
def test_the_onnx_graph_answers_alike(columns: list[Column]) -> None:
    raw = rows()
    encoder = build_encoder(columns, flag_missing=[c.name for c in columns if c == AREA]).fit(raw)
    inputs = [
        (c.name, (FloatTensorType if c.kind == "number" else StringTensorType)([None, 1])) for c in columns
    ]
    graph = to_onnx(encoder, initial_types=inputs).SerializeToString()
    ask = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    odd = rows(300, seed=1)
    odd.loc[:20, ["street", "quality"]] = "Never seen"
    odd.loc[10:40, "area"] = np.nan
    odd.loc[:40, "age"] = np.nan
    answer = ask.run(None, {c.name: odd[[c.name]].to_numpy() for c in columns})[0]
    np.testing.assert_array_equal(answer, encoder.transform(odd).to_numpy())


def test_a_column_without_any_value_keeps_its_place() -> None:
    raw = rows().assign(age=np.float32("nan"))
    assert (build_encoder(COLUMNS).fit_transform(raw)["age"] == 0).all()


def test_flags_are_for_numbers() -> None:
    with pytest.raises(FeatureError, match="'street' is none"):
        build_encoder(COLUMNS, flag_missing=["street"])
    with pytest.raises(FeatureError, match="list of columns is empty"):
        build_encoder([])


def test_often_missing_counts_numbers_only() -> None:
    raw = rows()
    assert often_missing(raw, COLUMNS) == ["area"]
    assert often_missing(raw, COLUMNS, share=0.5) == []


def prices(raw: pd.DataFrame) -> pd.Series:
    street = raw["street"].map({"Elm": 1.0, "Oak": 2.0}).fillna(0.0)
    noise = np.random.default_rng(2).normal(0, 0.1, len(raw))
    return (street + raw["age"] / 100 + noise).rename("price").astype("float64")


def test_selectors_get_one_number_per_raw_column() -> None:
    raw = rows()
    coded = selection_frame(raw, COLUMNS, prices(raw))
    assert list(coded.columns) == ["street", "area", "quality", "age"]
    assert (coded.dtypes == np.float64).all()
    assert not coded.isna().to_numpy().any()
    assert np.corrcoef(coded["street"], prices(raw))[0, 1] > 0.8
    pd.testing.assert_frame_equal(coded, selection_frame(raw, COLUMNS, prices(raw)))


def test_a_row_does_not_see_its_own_target() -> None:
    raw = rows(120).assign(street=[f"street {i}" for i in range(120)])
    y = prices(rows(120))
    coded = selection_frame(raw, COLUMNS, y)
    assert abs(np.corrcoef(coded["street"], y)[0, 1]) < 0.3


@pytest.mark.parametrize("classes", [["low", "high"], ["low", "mid", "high"]])
def test_classes_give_one_number_too(classes: list[str]) -> None:
    raw = rows()
    y = pd.Series(pd.qcut(prices(raw), len(classes), labels=classes).astype(str), name="band")
    coded = selection_frame(raw, COLUMNS, y)
    assert coded.shape == (200, 4)
    held_out = clone(build_selection_encoder(COLUMNS, target="category", classes=len(classes))).fit(raw, y)
    assert held_out.transform(rows(5, seed=3)).shape == (5, 4)


def test_a_target_without_contrast_is_refused() -> None:
    with pytest.raises(FeatureError, match="'price' is constant"):
        selection_frame(rows(), COLUMNS, pd.Series(1.0, index=range(200), name="price"))
