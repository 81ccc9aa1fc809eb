"""Models whose records are pictures, texts and seeds, each answered by hand."""

import base64
import io
import json

import numpy as np
from onnx import TensorProto, helper
from PIL import Image
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from serving.bundle import Bundle, ImageForm, Input, Output, SeedForm, TextForm
from serving.bundle_files import write_bundle

WORDS = {"<pad>": 0, "good": 1, "bad": 2, "film": 3}
NAMES = ["red", "green", "blue"]
COLOURS = {"red": (250, 10, 20), "green": (5, 240, 30)}


def write_colours(root, graph_bytes, channels=3):
    """The mean of each channel of a 3 x 4 picture."""
    nodes = [
        helper.make_node("Cast", ["image"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["floats"], ["mean"], axes=[2, 3], keepdims=0),
    ]
    inputs = [("image", "UINT8", ["N", channels, 4, 3])]
    bundle = Bundle(
        name="colours", version=1, task="mean colour",
        inputs=[Input(name="image", datatype="UINT8", shape=(-1, channels, 4, 3), kind="tensor")],
        outputs=[Output(name="mean", datatype="FP32", shape=(-1, channels), labels=NAMES[:channels])],
        form=ImageForm(input="image", channels=channels, height=4, width=3),
        example={"image": base64.b64encode(picture("red")).decode()},
    )  # fmt: skip
    graph = graph_bytes(nodes, inputs, [("mean", "FP32", ["N", channels])])
    write_bundle(root / "colours" / "1", graph, bundle)


def write_lengths(root, graph_bytes):
    """The number of tokens, and their sum."""
    nodes = [
        helper.make_node("ReduceSum", ["tokens", "one"], ["sum"], keepdims=0),
        helper.make_node("Identity", ["lengths"], ["count"]),
    ]
    inputs = [("tokens", "INT64", ["N", "T"]), ("lengths", "INT64", ["N"])]
    outputs = [("sum", "INT64", ["N"]), ("count", "INT64", ["N"])]
    bundle = Bundle(
        name="lengths", version=1, task="count",
        inputs=[
            Input(name="tokens", datatype="INT64", shape=(-1, -1), kind="tensor", required=True),
            Input(name="lengths", datatype="INT64", shape=(-1,), kind="tensor", required=True),
        ],
        outputs=[Output(name=name, datatype="INT64", shape=(-1,)) for name, _, _ in outputs],
        form=TextForm(max_tokens=4), example={"text": "good film"},
    )  # fmt: skip
    tokenizer = Tokenizer(WordLevel(WORDS, unk_token="<pad>"))
    tokenizer.pre_tokenizer = Whitespace()
    graph = graph_bytes(nodes, inputs, outputs, [("one", np.array([1]))])
    write_bundle(root / "lengths" / "1", graph, bundle, {"tokenizer.json": json.loads(tokenizer.to_str())})


def write_noise(root, graph_bytes):
    """A 2 x 3 grey picture: sixty-four times the noise, and 128."""
    nodes = [
        helper.make_node("Mul", ["z", "scale"], ["scaled"]),
        helper.make_node("Add", ["scaled", "middle"], ["moved"]),
        helper.make_node("Clip", ["moved", "low", "high"], ["clipped"]),
        helper.make_node("Cast", ["clipped"], ["bytes"], to=TensorProto.UINT8),
        helper.make_node("Reshape", ["bytes", "shape"], ["image"]),
    ]
    constants = [
        ("scale", np.float32(64)), ("middle", np.float32(128)), ("low", np.float32(0)),
        ("high", np.float32(255)), ("shape", np.array([-1, 1, 2, 3])),
    ]  # fmt: skip
    bundle = Bundle(
        name="noise", version=1, task="image generation",
        inputs=[Input(name="z", datatype="FP32", shape=(-1, 6), kind="tensor", required=True)],
        outputs=[Output(name="image", datatype="UINT8", shape=(-1, 1, 2, 3))],
        form=SeedForm(input="z", size=6, output="image"), example={"seed": 7},
    )  # fmt: skip
    graph = graph_bytes(nodes, [("z", "FP32", ["N", 6])], [("image", "UINT8", ["N", 1, 2, 3])], constants)
    write_bundle(root / "noise" / "1", graph, bundle)


def picture(colour="red", kind="PNG", size=(3, 4), mode="RGB"):
    file = io.BytesIO()
    Image.new("RGB", size, COLOURS[colour]).convert(mode).save(file, kind)
    return file.getvalue()
