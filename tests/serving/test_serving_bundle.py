"""The bundle: valid by construction, written whole or not at all, read with one-line errors."""

import json

import pytest
from pydantic import ValidationError

from serving import bundle_files
from serving.bundle import Bundle, Input, NumberHistogram, Output
from serving.bundle_files import read_bundle, write_bundle
from serving.errors import BundleError


def test_what_is_written_is_read_back(tmp_path, small):
    histograms = {
        "area": {"edges": [0, 1, 2], "counts": [3, 4], "missing": 1},
        "quality": {"categories": {"Good": 2}},
    }
    bundle = small.price_bundle(
        histograms=histograms, lineage={"data": "ab12"}, metrics={"mae": {"value": 1.5, "low": 1}}
    )
    folder = tmp_path / "price" / "1"
    write_bundle(folder, b"graph", bundle, {"parity.json": {"rows": 3}, "notes.txt": b"raw"})
    assert read_bundle(folder) == bundle
    assert sorted(path.name for path in folder.iterdir()) == [
        "bundle.json",
        "model.onnx",
        "notes.txt",
        "parity.json",
    ]
    assert json.loads((folder / "parity.json").read_text()) == {"rows": 3}
    assert (folder / "model.onnx").read_bytes() == b"graph"


def test_a_new_bundle_takes_the_place_of_the_old_one(tmp_path, small):
    folder = tmp_path / "price" / "1"
    write_bundle(folder, b"old", small.price_bundle(), {"only-old.json": 1})
    write_bundle(folder, b"new", small.price_bundle(), None)
    assert (folder / "model.onnx").read_bytes() == b"new"
    assert [path.name for path in folder.parent.iterdir()] == ["1"]
    assert not (folder / "only-old.json").exists()


@pytest.mark.parametrize("extras", [{"bad.json": float("nan")}, {"../x": 1}, {"model.onnx": b"x"}])
def test_a_failed_write_leaves_the_old_bundle_and_nothing_else(tmp_path, extras, small):
    folder = tmp_path / "price" / "1"
    write_bundle(folder, b"old", small.price_bundle())
    with pytest.raises((BundleError, ValueError)):
        write_bundle(folder, b"new", small.price_bundle(), extras)
    assert (folder / "model.onnx").read_bytes() == b"old"
    assert [path.name for path in folder.parent.iterdir()] == ["1"]


def test_a_failed_exchange_puts_the_old_bundle_back(tmp_path, monkeypatch, small):
    folder = tmp_path / "price" / "1"
    write_bundle(folder, b"old", small.price_bundle())
    rename = bundle_files.Path.rename

    def fail_for_the_new_one(self, target):
        if ".new-" in self.name:
            raise OSError("no space")
        return rename(self, target)

    monkeypatch.setattr(bundle_files.Path, "rename", fail_for_the_new_one)
    with pytest.raises(OSError, match="no space"):
        write_bundle(folder, b"new", small.price_bundle())
    assert (folder / "model.onnx").read_bytes() == b"old"
    assert [path.name for path in folder.parent.iterdir()] == ["1"]


@pytest.mark.parametrize("place", ["price/2", "cost/1", "price/01"])
def test_the_folder_must_be_the_bundles_own(tmp_path, place, small):
    with pytest.raises(BundleError, match="must end in price/1"):
        write_bundle(tmp_path / place, b"graph", small.price_bundle())
    write_bundle(tmp_path / "price" / "1", b"graph", small.price_bundle())
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / "price" / "1").rename(tmp_path / place)
    with pytest.raises(BundleError, match="describes price/1"):
        read_bundle(tmp_path / place)


@pytest.mark.parametrize(
    ("text", "says"), [("", "JSON"), ("{", "JSON"), ("[]", "object"), ("{}", "name: Field required")]
)
def test_a_bundle_file_that_is_none_is_one_line(tmp_path, text, says):
    folder = tmp_path / "price" / "1"
    folder.mkdir(parents=True)
    with pytest.raises(BundleError, match="is missing"):
        read_bundle(folder)
    (folder / "bundle.json").write_text(text)
    with pytest.raises(BundleError, match=says) as caught:
        read_bundle(folder)
    assert "\n" not in str(caught.value)
    assert "bundle.json" in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"metrics"', '"metrix"', "metrix: Extra inputs"),
        ('"FP32"', '"fp32"', "inputs.0.datatype"),
        ('"format": 1', '"format": 2', "format: Input should be 1"),
    ],
)
def test_a_bundle_of_another_format_is_one_line(tmp_path, small, old, new, says):
    folder = tmp_path / "price" / "1"
    small.write_price(tmp_path)
    path = folder / "bundle.json"
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(BundleError, match=says):
        read_bundle(folder)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"version": 0}, "greater than or equal to 1"),
        ({"name": "../up"}, "pattern"),
        ({"inputs": []}, "at least 1"),
        (
            {"inputs": [Input(name="a", datatype="FP32", kind="number")] * 2, "example": {}},
            "'a' is listed twice",
        ),
        ({"example": {"nope": 1}}, "'nope', which is no input"),
        ({"histograms": {"nope": {"categories": {}}}}, "'nope', which is no input"),
        ({"metrics": {"rmse": float("nan")}}, "finite"),
        (
            {
                "outputs": [
                    Output(name="y", datatype="FP32", interval={"low": "l", "high": "y", "coverage": 0.9})
                ]
            },
            "interval of 'y' names ends that are no outputs",
        ),
    ],
)
def test_a_bundle_that_contradicts_itself_is_refused(changes, says, small):
    with pytest.raises(ValidationError, match=says):
        small.price_bundle(**changes)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"shape": (1, 1)}, "begins with -1"),
        ({"shape": (-1, 0)}, "sizes from 1"),
        ({"shape": (-1, 3)}, "one value a row"),
        ({"datatype": "BYTES"}, "a category is BYTES"),
        ({"kind": "category"}, "a category is BYTES"),
        ({"categories": ["x"]}, "only a category"),
        ({"minimum": 2, "maximum": 1}, "above maximum"),
        ({"typo": 1}, "Extra inputs"),
    ],
)
def test_an_input_that_contradicts_itself_is_refused(changes, says):
    with pytest.raises(ValidationError, match=says):
        Input.model_validate({"name": "a", "datatype": "FP32", "kind": "number"} | changes)


@pytest.mark.parametrize(("edges", "says"), [([0, 1], "one more edge"), ([0, 2, 1], "ascend")])
def test_a_histogram_needs_ascending_edges_around_its_counts(edges, says):
    with pytest.raises(ValidationError, match=says):
        NumberHistogram(edges=edges, counts=[1, 2])


def test_only_floats_and_categories_may_be_missing(small):
    missing = {each.name: each.may_be_missing for each in small.price_bundle().inputs}
    assert missing == {"area": True, "rooms": False, "quality": True}
    assert not Input(name="a", datatype="FP32", kind="number", required=True).may_be_missing
    assert not Input(name="a", datatype="FP32", kind="tensor", shape=(-1, 2)).may_be_missing


def test_a_bundle_is_immutable(small):
    with pytest.raises(ValidationError, match="frozen"):
        small.price_bundle().version = 2
    assert Bundle.model_validate_json(small.price_bundle().model_dump_json()) == small.price_bundle()
