from itertools import pairwise

import numpy as np
from onnx import TensorProto, helper

from models.export.candidates import latency_ms, member_candidates

random = np.random.default_rng(0)
TRUTH = random.normal(size=300)
BELOW = {"quick": (), "slow": (), "stacked": ("quick", "slow")}
KNOWN = {
    name: TRUTH + random.normal(0, noise, 300)
    for name, noise in (("quick", 0.4), ("slow", 0.4), ("stacked", 0.3))
}
MS = {"quick": 1.0, "slow": 5.0, "stacked": 7.0}


def loss(answer: np.ndarray) -> float:
    return float(np.sqrt(np.mean((answer - TRUTH) ** 2)))


def test_members_alone_and_ever_fewer_together_are_candidates():
    asked: list[dict[str, float]] = []

    def time_ms(weights):
        asked.append(dict(weights))
        needed = {*weights, *(each for name in weights for each in BELOW[name])}
        return 1.0 * ("quick" in needed) + 5.0 * ("slow" in needed) + 1.0 * ("stacked" in needed)

    found = member_candidates(BELOW, KNOWN, KNOWN, (loss, loss), time_ms, progress=False)
    assert [each.name for each in found] == ["quick", "slow", "stacked", "3 members", "2 members"]
    assert asked == [each.weights for each in found], "each graph is timed once"
    assert {each.name: each.latency_ms for each in found[:3]} == MS
    assert found[3].loss < min(each.loss for each in found[:3])
    assert set(found[4].weights) == {"quick", "slow"}, "without the stack nothing else is saved"
    assert found[4].latency_ms == 6


def test_latency_is_milliseconds_of_one_row_and_grows_with_the_work():
    def chain(nodes: int):
        names = ["x", *(f"v{at}" for at in range(nodes - 1)), "y"]
        graph = helper.make_graph(
            [helper.make_node("Sin", [a], [b]) for a, b in pairwise(names)], "g",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 1])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 1])],
        )  # fmt: skip
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
        model.ir_version = 10
        return model

    row = {"x": np.float32([1])}
    few, many = latency_ms(chain(1), row), latency_ms(chain(1000), row)
    assert 0 < few < many < 1000
    assert many > 2 * few
