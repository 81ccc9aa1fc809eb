"""A table model's bundle says what a client must know."""

import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import TensorProto, helper

from models.errors import ExportError
from models.export.bundle import category_histogram, number_histogram, write_table_bundle
from serving.bundle_files import MODEL_FILE, read_bundle
from serving.card import Card, CardData
from serving.model import load_model

CARD = Card(model="A copy.", data=CardData(source="Made up."))
RAW = pd.DataFrame(
    {"area": np.float32([900, 1500, np.nan, 1200]), "quality": ["Good", "", "Poor", "Good"], "extra": 1.0}
)


def model() -> onnx.ModelProto:
    graph = helper.make_graph(
        [
            helper.make_node("Identity", ["area"], ["price"]),
            helper.make_node("Identity", ["quality"], ["unused"]),
        ],
        "g",
        [
            helper.make_tensor_value_info("area", TensorProto.FLOAT, ["batch", 1]),
            helper.make_tensor_value_info("quality", TensorProto.STRING, ["batch", 1]),
        ],
        [helper.make_tensor_value_info("price", TensorProto.FLOAT, ["batch", 1])],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])


def test_inputs_carry_types_ranges_categories_and_units(tmp_path):
    folder = write_table_bundle(
        tmp_path, model(), RAW, name="ames", version=2, units={"area": "sqft"}, output_unit="USD",
        levels={"quality": ("Poor", "Fair", "Good")}, metrics={"rmsle": 0.1}, lineage={"data": "abc"},
        card=CARD, extras={"parity.json": {"given": 0}},
    )  # fmt: skip
    bundle = read_bundle(folder)
    area, quality = bundle.inputs
    assert (area.kind, area.datatype, area.unit, area.minimum, area.maximum) == (
        "number",
        "FP32",
        "sqft",
        900,
        1500,
    )
    assert (quality.kind, quality.datatype, quality.categories) == (
        "category",
        "BYTES",
        ("Poor", "Fair", "Good"),
    )
    assert [(output.name, output.unit) for output in bundle.outputs] == [("price", "USD")]
    assert bundle.example == {"area": 900.0, "quality": "Good"}
    assert bundle.metrics == {"rmsle": 0.1}
    assert bundle.card == CARD
    files = {"model.onnx", "bundle.json", "model_card.md", "parity.json"}
    assert {path.name for path in folder.iterdir()} == files
    assert onnx.load(folder / MODEL_FILE) == model()


def test_the_first_rows_are_the_proof_that_a_service_asks_for(tmp_path):
    proof = read_bundle(write_table_bundle(tmp_path, model(), RAW, name="ames", version=1)).proof
    assert len(proof.records) == len(RAW)
    assert proof.records[0] == {"area": 900.0, "quality": "Good"}
    assert proof.outputs["price"][0] == [900.0]
    load_model(tmp_path / "ames" / "1")


def test_without_levels_the_categories_are_those_seen(tmp_path):
    bundle = read_bundle(write_table_bundle(tmp_path, model(), RAW.iloc[1:], name="ames", version=1))
    assert bundle.inputs_by_name["quality"].categories == ("Good", "Poor")
    assert bundle.example["quality"] is None


def test_histograms_count_every_row():
    number = number_histogram(RAW["area"])
    assert (sum(number.counts), number.missing) == (3, 1)
    assert (number.edges[0], number.edges[-1]) == (900, 1500)
    category = category_histogram(RAW["quality"])
    assert (category.categories, category.missing) == ({"Good": 2, "Poor": 1}, 1)


@pytest.mark.parametrize("values", [[5.0, 5.0], [np.nan, np.nan], [16_777_216.0] * 3])
def test_histograms_of_a_constant_or_of_nothing_are_valid(values):
    histogram = number_histogram(pd.Series(values, dtype="float32"))
    assert sum(histogram.counts) + histogram.missing == len(values)


def test_a_lacking_input_is_named(tmp_path):
    with pytest.raises(ExportError, match="'quality' is absent"):
        write_table_bundle(tmp_path, model(), RAW[["area"]], name="ames", version=1)
    assert not list(tmp_path.iterdir())
