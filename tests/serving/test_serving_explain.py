"""Shapley values by sampling: additive always, exact where they can be known, and over HTTP."""

from itertools import permutations
from typing import Any

import numpy as np
import pytest

from serving.bundle import Bundle, Ends, Input, Output
from serving.errors import InvalidInputError, UnsupportedError
from serving.explain import explain
from serving.proof import Proof

ROWS = [{"a": 1.0, "b": 2.0, "c": -1.0}, {"a": 0.0, "b": 1.0, "c": 4.0}, {"a": -2.0, "b": 0.5, "c": 3.0}]
RECORD = {"a": 3.0, "b": -1.0, "c": 2.0}


class Formula:
    """A model whose answer is a formula of its inputs a, b and c."""

    reader = None

    def __init__(
        self, formula: Any, outputs: tuple[Output, ...] = (Output(name="y", datatype="FP32"),)
    ) -> None:
        self.formula, self.rows = formula, 0
        inputs = tuple(Input(name=name, datatype="FP32", kind="number") for name in "abc")
        proof = Proof(records=tuple(ROWS), outputs={})
        self.bundle = Bundle(name="m", version=1, task="t", inputs=inputs, outputs=outputs, proof=proof)

    def infer(self, arrays: dict[str, Any], outputs: list[str]) -> dict[str, Any]:
        self.rows += len(arrays["a"])
        values = np.asarray(self.formula(*(arrays[name][:, 0].astype(np.float64) for name in "abc")))
        return {name: values.reshape(len(arrays["a"]), -1).astype(np.float32) for name in outputs}


def arrays(record: dict[str, float] = RECORD) -> dict[str, Any]:
    return {name: np.array([[value]], np.float32) for name, value in record.items()}


def exact(formula: Any, rows: list[dict[str, float]]) -> dict[str, float]:
    """The Shapley values over all orders and rows."""
    shares = dict.fromkeys("abc", 0.0)
    orders = list(permutations("abc"))
    for row in rows:
        for order in orders:
            at = dict(row)
            for name in order:
                before = formula(**at)
                at[name] = RECORD[name]
                shares[name] += (formula(**at) - before) / len(orders) / len(rows)
    return shares


@pytest.mark.parametrize("samples", [1, 3, 16, 64])
def test_shares_and_base_add_up_to_the_answer(samples: int) -> None:
    def formula(a: Any, b: Any, c: Any) -> Any:
        return a * b * c + np.sin(a) - 2 * b * b

    (found,) = explain(Formula(formula), arrays(), samples=samples, seed=samples)
    total = found["y"]["base"] + sum(found["y"]["contributions"].values())
    assert total == pytest.approx(float(formula(**RECORD)), abs=1e-4)


def test_exact_for_a_sum() -> None:
    def formula(a: Any, b: Any, c: Any) -> Any:
        return 5 * a - b + 2 * c

    (found,) = explain(Formula(formula), arrays(), samples=3)
    assert found["y"]["contributions"] == pytest.approx(exact(formula, ROWS), abs=1e-5)
    assert found["y"]["base"] == pytest.approx(np.mean([formula(**row) for row in ROWS]))


def test_near_to_the_exact_values_of_a_product() -> None:
    def formula(a: Any, b: Any, c: Any) -> Any:
        return a * b + 3 * c * a

    model = Formula(formula)
    (found,) = explain(model, arrays(), samples=60)
    expected = exact(formula, ROWS)
    scale = max(map(abs, expected.values()))
    assert found["y"]["contributions"] == pytest.approx(expected, abs=0.08 * scale)
    assert model.rows == 2 * 60 * 4


def test_the_same_seed_gives_the_same() -> None:
    model = Formula(lambda a, b, c: a * b * c)
    first, again, other = (explain(model, arrays(), samples=2, seed=seed) for seed in (1, 1, 2))
    assert first == again != other


def test_labels_and_intervals() -> None:
    outputs = (Output(name="p", datatype="FP32", shape=(-1, 2), labels=("no", "yes")),)
    (found,) = explain(Formula(lambda a, b, c: np.stack([a, b], 1), outputs), arrays(), samples=3)
    assert found["p"]["contributions"]["a"] == pytest.approx({"no": 3 + 1 / 3, "yes": 0.0})
    interval = Ends(low="low", high="high", coverage=0.9)
    ends = tuple(Output(name=name, datatype="FP32") for name in ("low", "high"))
    outputs = (Output(name="y", datatype="FP32", interval=interval), *ends)
    assert [*explain(Formula(lambda a, b, c: a, outputs), arrays())[0]] == ["y"]


def test_what_cannot_be_explained() -> None:
    model = Formula(lambda a, b, c: a)
    with pytest.raises(InvalidInputError, match="17 records to explain, at most 16"):
        explain(model, {name: np.repeat(array, 17, 0) for name, array in arrays().items()})
    model.bundle = model.bundle.model_copy(update={"proof": None})
    with pytest.raises(UnsupportedError, match="no rows to compare a record with: export it again"):
        explain(model, arrays())
