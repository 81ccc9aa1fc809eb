"""Models from their folders: graph and bundle must agree, and nothing may lie outside."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from serving.bundle import Output
from serving.bundle_files import write_bundle
from serving.errors import BundleError, InvalidInputError
from serving.model import load_model


def arrays(**changes):
    fitting = {
        "area": np.array([[10.0]], np.float32),
        "rooms": np.array([[2]], np.int64),
        "quality": np.array([["Good"]], object),
    }
    return fitting | changes


def test_a_model_answers(small, tmp_path):
    small.write_price(tmp_path)
    model = load_model(tmp_path / "price" / "1")
    assert model.infer(arrays())["price"].tolist() == [[small.price(10, 2, "Good")]]
    assert list(model.infer(arrays(), ["price"])) == ["price"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"rooms": np.array([[2]], np.int32)}, "'rooms': expected INT64 .*got int32"),
        ({"rooms": np.array([2])}, r"'rooms': expected INT64 \[-1, 1\].*\[1\]"),
        ({"rooms": np.array([[2], [3]])}, "'rooms' has 2 rows, input 'area' has 1"),
        ({"more": np.array([[2]])}, "'more' is missing or unknown"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(small, tmp_path, changes, says):
    small.write_price(tmp_path)
    with pytest.raises(InvalidInputError, match=says):
        load_model(tmp_path / "price" / "1").infer(arrays(**changes))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"outputs": [Output(name="cost", datatype="FP32")]}, "only the bundle has an output 'cost'"),
        ({"outputs": [Output(name="price", datatype="FP64")]}, "'price' is FP32 .* FP64 .* in the bundle"),
        ({"outputs": [Output(name="price", datatype="FP32", shape=(-1, 2))]}, r"\[-1, 1\] in the graph"),
        ({"example": {"rooms": "two"}}, "does not answer its own example: record 0: field 'rooms'"),
    ],
)
def test_a_graph_that_differs_from_its_bundle_is_refused(small, tmp_path, changes, says):
    small.write_price(tmp_path, **changes)
    with pytest.raises(BundleError, match=says):
        load_model(tmp_path / "price" / "1")


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x08\x08"])
def test_a_file_that_is_no_model_is_one_line(small, tmp_path, content):
    folder = tmp_path / "price" / "1"
    write_bundle(folder, content, small.price_bundle())
    with pytest.raises(BundleError, match=r"model\.onnx cannot be loaded") as caught:
        load_model(folder)
    assert "\n" not in str(caught.value)
    (folder / "model.onnx").unlink()
    with pytest.raises(BundleError, match=r"model\.onnx is missing"):
        load_model(folder)


def test_a_link_out_of_the_folder_is_refused(small, tmp_path):
    small.write_price(tmp_path)
    folder = tmp_path / "price" / "1"
    (folder / "model.onnx").rename(tmp_path / "elsewhere.onnx")
    (folder / "model.onnx").symlink_to(tmp_path / "elsewhere.onnx")
    with pytest.raises(BundleError, match="points outside its folder"):
        load_model(folder)


@pytest.mark.parametrize("location", ["../../weights.bin", "{root}/weights.bin"])
def test_weights_out_of_the_folder_are_refused(small, tmp_path, location):
    weight = numpy_helper.from_array(np.zeros((3, 1), np.float32), "w")
    (tmp_path / "weights.bin").write_bytes(weight.raw_data)
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value=location.format(root=tmp_path))
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["price"])],
        "test",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3])],
        [helper.make_tensor_value_info("price", TensorProto.FLOAT, ["N", 1])],
        [weight],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    inputs = [{"name": "x", "datatype": "FP32", "shape": [-1, 3], "kind": "tensor"}]
    folder = tmp_path / "price" / "1"
    write_bundle(folder, model.SerializeToString(), small.price_bundle(inputs=inputs, example={}))
    with pytest.raises(BundleError, match="cannot be loaded"):
        load_model(folder)
