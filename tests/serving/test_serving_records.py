"""Records to arrays and answers back to records."""

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.bundle import Bundle, Input, Output
from serving.errors import InvalidInputError, TooLargeError
from serving.records import read_records, write_predictions


def read(document, bundle, max_rows=10):
    return read_records(document, bundle, max_rows=max_rows)


def test_a_missing_key_and_null_are_missing_values(small):
    arrays = read([{"rooms": 1}, {"rooms": 2, "area": None, "quality": None}], small.price_bundle())
    assert np.isnan(arrays["area"]).all()
    assert arrays["quality"].tolist() == [[""], [""]]
    assert arrays["rooms"].tolist() == [[1], [2]]
    assert [str(arrays[name].dtype) for name in ("area", "rooms", "quality")] == [
        "float32",
        "int64",
        "object",
    ]


def test_white_space_in_a_category_is_folded_and_nothing_else(small):
    texts = [" Good\n", "Very \N{NO-BREAK SPACE}\t good", "good", " "]
    arrays = read([{"rooms": 1, "quality": text} for text in texts], small.price_bundle())
    assert arrays["quality"].tolist() == [["Good"], ["Very good"], ["good"], [""]]


def test_one_object_is_a_list_of_one(small):
    record = {"area": 80, "rooms": 3, "quality": "never seen"}
    one, listed = read(record, small.price_bundle()), read([record], small.price_bundle())
    assert all((one[name] == listed[name]).all() for name in one)


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ([], "at least one record"),
        ("text", "record 0: expected an object, got text"),
        ([{"rooms": 1}, 7], "record 1: expected an object"),
        ([{"rooms": 1}, {"rooms": 1, "romms": 1}], "record 1: price has no field 'romms'"),
        ([{"rooms": 1}, {"area": 5}], "record 1: field 'rooms' is missing"),
        ([{"rooms": None}], "record 0: field 'rooms' is missing"),
        ([{"rooms": 1.5}], "record 0: field 'rooms': expected a whole number"),
        ([{"rooms": 2**63}], "record 0: field 'rooms': 9223372036854775808 is outside"),
        ([{"rooms": 1}, {"rooms": 1, "area": "big"}], "record 1: field 'area': expected a number"),
        ([{"rooms": 1, "area": True}], "field 'area': expected a number.*got a boolean"),
        ([{"rooms": 1, "area": 1e39}], "record 0: field 'area': 1e.39 is outside FP32"),
        ([{"rooms": 1, "quality": 3}], "record 0: field 'quality': expected text"),
        ([{"rooms": 1, "quality": ["Good"]}], "record 0: field 'quality'.*got a list"),
    ],
)
def test_a_wrong_record_and_field_are_named(small, document, says):
    with pytest.raises(InvalidInputError, match=says):
        read(document, small.price_bundle())


def test_too_many_records_are_refused(small):
    with pytest.raises(TooLargeError, match="3 records, at most 2"):
        read([{"rooms": 1}] * 3, small.price_bundle(), max_rows=2)


@pytest.fixture
def pictures() -> Bundle:
    inputs = [
        Input(name="image", datatype="UINT8", shape=(-1, 2, -1), kind="tensor"),
        Input(name="text", datatype="BYTES", shape=(-1,), kind="tensor"),
    ]
    return Bundle(name="p", version=1, task="t", inputs=inputs, outputs=[Output(name="y", datatype="FP32")])


def test_tensors_take_free_sizes_from_the_record(pictures):
    arrays = read([{"image": [[1, 2, 3], [4, 5, 6]], "text": "a"}] * 2, pictures)
    assert arrays["image"].shape == (2, 2, 3)
    assert arrays["text"].tolist() == ["a", "a"]


@pytest.mark.parametrize(
    ("image", "says"),
    [
        ([[1], [2], [3]], r"record 1: field 'image': expected shape \[2, -1\], got \[3, 1\]"),
        ([[1], [2, 3]], "record 1: field 'image': nested data"),
        ([1, 2], r"record 1: field 'image': expected lists nested as \[2, -1\]"),
        ([[], []], "expected lists nested"),
        ([[1], [300]], "record 1: field 'image', value 1: 300 is outside UINT8, 0 to 255"),
        ([[1, 2], [3, 4]], r"record 1: field 'image' has shape \(2, 2\), in record 0 \(2, 1\)"),
        (None, "record 1: field 'image' is missing"),
    ],
)
def test_a_wrong_tensor_is_named(pictures, image, says):
    with pytest.raises(InvalidInputError, match=says):
        read([{"image": [[1], [2]], "text": "a"}, {"image": image, "text": "a"}], pictures)


def test_predictions_are_scalars_objects_by_label_or_lists(small):
    outputs = [
        Output(name="price", datatype="FP32"),
        Output(name="share", datatype="FP32", shape=(-1, 2), labels=["no", "yes"]),
        Output(name="word", datatype="BYTES", shape=(-1,)),
        Output(name="curve", datatype="FP64", shape=(-1, 3)),
    ]
    bundle = small.price_bundle(outputs=outputs)
    results = {
        "price": np.array([[0.1], [np.nan]], np.float32),
        "share": np.array([[0.25, 0.75], [1, 0]], np.float32),
        "word": np.array(["a", "b"], object),
        "curve": np.ones((2, 3)),
    }
    written = orjson.dumps(write_predictions(bundle, results), option=orjson.OPT_SERIALIZE_NUMPY)
    assert orjson.loads(written) == [
        {"price": 0.1, "share": {"no": 0.25, "yes": 0.75}, "word": "a", "curve": [1, 1, 1]},
        {"price": None, "share": {"no": 1.0, "yes": 0.0}, "word": "b", "curve": [1, 1, 1]},
    ]


BLOCKS = Bundle(
    name="b", version=1, task="t", outputs=[Output(name="y", datatype="FP32")],
    inputs=[
        Input(name="a", datatype="FP32", kind="number"),
        Input(name="b", datatype="BYTES", kind="category"),
        Input(name="c", datatype="FP32", kind="number"),
        Input(name="d", datatype="FP64", kind="number"),
        Input(name="e", datatype="FP32", shape=(-1,), kind="number"),
        Input(name="f", datatype="FP32", kind="number", required=True),
        Input(name="g", datatype="BYTES", kind="category"),
        Input(name="h", datatype="INT64", kind="number"),
    ],
)  # fmt: skip


@given(st.data())
def test_inputs_read_in_one_go_are_each_its_own(data):
    numbers, texts = st.none() | st.floats(-1e9, 1e9, width=32) | st.integers(-99, 99), st.none() | st.text()
    kinds = {"b": texts, "g": texts, "h": st.integers(-9, 9), "f": st.integers(-9, 9)}
    record = st.fixed_dictionaries({name: kinds.get(name, numbers) for name in "abcdefgh"})
    records = data.draw(st.lists(record, min_size=1, max_size=5))
    arrays = read(records, BLOCKS)
    for field in BLOCKS.inputs:
        array = arrays[field.name]
        assert array.shape == (len(records), *field.shape[1:])
        for value, got in zip([each[field.name] for each in records], array.ravel(), strict=True):
            if field.datatype == "BYTES":
                assert got == " ".join((value or "").split())
            else:
                assert np.isnan(got) if value is None else got == array.dtype.type(value)


@pytest.mark.parametrize(
    ("name", "value"), [("a", "x"), ("c", True), ("c", 1e39), ("g", 3), ("d", [1]), ("e", {})]
)
def test_of_inputs_read_in_one_go_the_wrong_one_is_named(name, value):
    good = {"f": 1.0, "h": 2}
    with pytest.raises(InvalidInputError, match=f"record 2: field '{name}': "):
        read([good, good, good | {name: value}, good], BLOCKS)
