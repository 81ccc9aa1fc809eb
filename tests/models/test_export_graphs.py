"""Formulas, encoders and joints as graphs, against pandas and scikit-learn."""

import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import TensorProto, helper
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from models.errors import ExportError
from models.export.encoder import FEATURES, encoder_graph, formula_columns, formula_graph, raw_encoder_graph
from models.export.graphs import IR_VERSION, OPSET, join, levelled, name_batch, prefixed
from models.export.parity import GraphSession

RAW = pd.DataFrame(
    {
        "area": np.array([1000, 1500.5, np.nan, 900], dtype=np.float32),
        "rooms": np.array([3, np.nan, 5, 2], dtype=np.float32),
        "town": ["Ames", "", "Boone", "Ames"],
    }
)


def ask(model: onnx.ModelProto, raw: pd.DataFrame = RAW) -> list[np.ndarray]:
    import onnxruntime

    session = onnxruntime.InferenceSession(model.SerializeToString())
    feeds = {value.name: raw[[value.name]].to_numpy() for value in session.get_inputs()}
    return session.run(None, feeds)


def encoder(numbers=("area", "rooms")) -> ColumnTransformer:
    scale = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False, dtype=np.float32)
    return ColumnTransformer([("n", scale, list(numbers)), ("c", hot, ["town"])])


def test_formulas_answer_as_float32_does():
    formulas = {"each": "area - 2 * (rooms + 0.1)", "square": "area * area", "same": "rooms"}
    each, square, same = ask(formula_graph(formulas, ["area", "rooms"]))
    area, rooms = RAW["area"].to_numpy(), RAW["rooms"].to_numpy()
    np.testing.assert_array_equal(each[:, 0], area - np.float32(2) * (rooms + np.float32(0.1)))
    np.testing.assert_array_equal(square[:, 0], area * area)
    np.testing.assert_array_equal(same[:, 0], rooms)
    assert formula_columns(formulas) == ["area", "rooms"]


@pytest.mark.parametrize("text", ["area / rooms", "area ** 2", "log(area)", "-area", "'a'", "area +"])
def test_what_is_no_plain_arithmetic_is_refused(text):
    with pytest.raises(ExportError, match="formula 'odd'"):
        formula_graph({"odd": text}, ["area", "rooms"])


def test_an_encoder_answers_as_scikit_learn_does():
    fitted = encoder().fit(RAW)
    model = encoder_graph(fitted, numbers=["area", "rooms"], categories=["town"])
    strange = RAW.assign(town=["Boone", "Élan", "", "Ames"])
    for raw in (RAW, strange):
        (got,) = ask(model, raw)
        np.testing.assert_allclose(got, fitted.transform(raw), rtol=1e-6)
    assert [output.name for output in model.graph.output] == [FEATURES]
    assert {(entry.domain, entry.version) for entry in model.opset_import if not entry.domain} == {
        ("", OPSET)
    }
    assert model.ir_version == IR_VERSION


def test_formulas_feed_an_encoder_and_shared_columns_enter_once():
    formulas = {"space": "area * rooms", "unused": "area + area"}
    derived = RAW.assign(space=RAW["area"] * RAW["rooms"])
    fitted = encoder(("area", "space")).fit(derived[["area", "space", "town"]])
    model = raw_encoder_graph(fitted, numbers=["area", "rooms"], categories=["town"], formulas=formulas)
    assert [value.name for value in model.graph.input] == ["area", "rooms", "town"]
    (got,) = ask(model)
    np.testing.assert_allclose(got, fitted.transform(derived), rtol=1e-6)


def test_columns_that_an_encoder_does_not_know_are_named():
    fitted = encoder().fit(RAW)
    with pytest.raises(ExportError, match="'rooms' is in one list only"):
        encoder_graph(fitted, numbers=["area"], categories=["town"])
    with pytest.raises(ExportError, match="'year' is on one side only"):
        raw_encoder_graph(fitted, numbers=["area", "rooms", "year"], categories=["town"], formulas={})


def test_a_part_without_converter_is_named():
    odd = ColumnTransformer([("f", FunctionTransformer(np.log1p), ["area"])]).fit(RAW[["area"]])
    with pytest.raises(ExportError, match="use another part"):
        encoder_graph(odd, numbers=["area"], categories=[])


def plus(name_in: str, name_out: str, axes: list) -> onnx.ModelProto:
    node = helper.make_node("Add", [name_in, name_in], [name_out])
    graph = helper.make_graph(
        [node], "plus",
        [helper.make_tensor_value_info(name_in, TensorProto.FLOAT, axes)],
        [helper.make_tensor_value_info(name_out, TensorProto.FLOAT, axes)],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])


def test_graphs_join_by_their_wires():
    model = join(
        plus("area", "twice", ["n", 1]), prefixed(plus("in", "four", ["n", 1]), "b."), {"twice": "in"}
    )
    (got,) = ask(model)
    np.testing.assert_array_equal(got, RAW[["area"]].to_numpy() * 4)
    with pytest.raises(ExportError, match="names of"):
        join(plus("area", "twice", ["n", 1]), plus("in", "four", ["n", 1]), {"thrice": "in"})


def test_a_frozen_batch_is_an_error():
    free = plus("a", "b", ["n", 1])
    name_batch(free)
    assert free.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    with pytest.raises(ExportError, match=r"free batch axis first in 'a', got \['2', '1'\]"):
        name_batch(plus("a", "b", [2, 1]))


def test_notes_of_an_exporter_are_dropped():
    model = plus("a", "b", ["n", 1])
    model.doc_string = "made in /some/folder"
    model.graph.node[0].doc_string = "File /some/folder/x.py, line 3"
    entry = model.graph.node[0].metadata_props.add()
    entry.key, entry.value = "stack_trace", "/some/folder"
    assert b"/some/folder" not in levelled(model).SerializeToString()


def test_a_session_takes_columns_flat_or_upright():
    session = GraphSession(plus("a", "b", ["n", 1]))
    flat = session.answer({"a": np.float32([1, 2])})
    upright = session.answer({"a": np.float32([[1], [2]])})
    assert flat.tolist() == upright.tolist() == [2, 4]
