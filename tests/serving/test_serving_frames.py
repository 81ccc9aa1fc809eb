"""A body whose frame is known is read as any other, whatever stands where the values stood."""

import json

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from serving.bundle import Bundle, Input, Output
from serving.errors import ServingError
from serving.frames import MAX_FRAMES, Frames
from serving.infer_request import read_request

BUNDLE = Bundle(
    name="numbers", version=1, task="regression", outputs=(Output(name="y", datatype="FP32"),),
    inputs=(Input(name="x", datatype="FP32", shape=(-1, 3), kind="tensor"),),
)  # fmt: skip
TENSOR = {"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]}
NESTED = {"name": "x", "shape": [2, 3], "datatype": "FP32", "data": [[1, 2, 3], [4, 5, 6]]}


def body(tensor=TENSOR, **more) -> bytes:
    return json.dumps({"inputs": [tensor], **more}).encode()


def read(text: bytes):
    return read_request(text, None, BUNDLE, max_rows=10)


def outcome(reading, text: bytes):
    """What it gives, in a form that compares, or what it raises."""
    try:
        found = reading(text)
    except ServingError as error:
        return type(error), str(error)
    if found is None:
        return None
    return {name: array.tolist() for name, array in found.arrays.items()}, found[2:], found.id


def learned(text: bytes) -> Frames:
    frames = Frames(BUNDLE)
    frames.learn(text, read(text))
    return frames


@pytest.mark.parametrize(
    "text",
    [
        body(),
        body(outputs=[{"name": "y"}]),
        body(parameters={"timeout": 5_000_000}),
        body(NESTED),
        json.dumps({"inputs": [dict(reversed(TENSOR.items()))]}, indent=1).encode(),
    ],
)
def test_the_next_of_a_kind_is_read_by_its_frame(text):
    frames = learned(text)
    other = text.replace(b"1, 2, 3", b"7,8.5, -9").replace(b"2,\n", b"7,\n")
    assert outcome(frames.read, other) == outcome(read, other)
    assert frames.read(other) is not None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(width=64) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=6,
)


@given(value=VALUES)
@example(value=[1, 2, 3])
@example(value=[[1, 2, 3]])
@example(value=[1, 2, 1e39])
@example(value=[1, 2])
def test_any_value_there_is_what_it_would_be_without_the_frame(value):
    text = body({**TENSOR, "data": value})
    found = outcome(learned(body()).read, text)
    assert found in (None, outcome(read, text))


@given(cut=st.text('[]{}",:1ada \n', max_size=12))
@example(cut='1,2,3],"data":[4,5,6')
@example(cut='1,2,3]}],"x":[{"data":[4')
@example(cut="1,2,3")
@example(cut="1,2,3] [")
def test_any_text_there_is_what_it_would_be_without_the_frame(cut):
    text = body().replace(b"1, 2, 3", cut.encode())
    found = outcome(learned(body()).read, text)
    assert found in (None, outcome(read, text))


@pytest.mark.parametrize(
    "text",
    [
        body(id="mine"),
        b'{"inputs": [{"name":"x", "data":[7,8,9], "shape":[1,3], "datatype":"FP32", "data":[1,2,3]}]}',
        body(parameters={"data": "[1]"}),
        body({**TENSOR, "parameters": {"note": " " * 2000}}),
    ],
    ids=["an id", "data twice", "data elsewhere first", "long"],
)
def test_what_may_not_come_again_or_is_odd_is_no_frame(text):
    frames = learned(text)
    assert frames.read(text) is None or outcome(frames.read, text) == outcome(read, text)


def test_frames_are_bounded():
    frames = Frames(BUNDLE)
    for at in range(3 * MAX_FRAMES):
        text = body().replace(b"{", b"{" + b" " * at, 1)
        frames.learn(text, read(text))
    assert len(frames._known) <= MAX_FRAMES


def test_a_model_of_several_inputs_has_none():
    two = BUNDLE.model_copy(update={"inputs": (*BUNDLE.inputs, BUNDLE.inputs[0])})
    frames = Frames(two)
    frames.learn(body(), read(body()))
    assert frames.read(body()) is None


def test_arrays_of_one_frame_are_their_own():
    frames = learned(body())
    first, second = (frames.read(body({**TENSOR, "data": [at, at, at]})) for at in (1, 2))
    assert first is not None
    assert second is not None
    np.testing.assert_array_equal(first.arrays["x"], [[1, 1, 1]])
    np.testing.assert_array_equal(second.arrays["x"], [[2, 2, 2]])


@pytest.mark.parametrize("text", ["a]", "a],", 'a]"', "]]", "\\"])
def test_brackets_in_a_text_are_no_end_of_the_values(text):
    bundle = Bundle(
        name="texts", version=1, task="echo", outputs=BUNDLE.outputs,
        inputs=(Input(name="x", datatype="BYTES", shape=(-1, 3), kind="tensor"),),
    )  # fmt: skip
    whole = body({**TENSOR, "datatype": "BYTES", "data": [text, "", text]})
    request = read_request(whole, None, bundle, max_rows=10)
    frames = Frames(bundle)
    frames.learn(whole, request)
    found = frames.read(whole)
    assert found is None or found.arrays["x"].tolist() == request.arrays["x"].tolist()


def test_a_list_among_the_parameters_is_not_taken_for_the_values():
    odd = {"parameters": {"data": 1, "x],": ":1,"}, **TENSOR}
    text = body(odd)
    frames = learned(text)
    assert outcome(frames.read, text) in (None, outcome(read, text))
