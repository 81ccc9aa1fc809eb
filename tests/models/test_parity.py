"""Parity: what is compared, and what is said when graph and Python differ."""

import numpy as np
import pytest
from onnx import TensorProto, helper

from models.errors import ParityError
from models.export.parity import GraphSession, check_cases, check_parity
from models.export.parity_cases import UNSEEN, parity_cases, split_cases


def mean_of_two():
    """price = area + area where known, or 7; the text column is ignored but by its length."""
    nodes = [
        helper.make_node("IsNaN", ["area"], ["unknown"]),
        helper.make_node(
            "Constant", [], ["seven"], value=helper.make_tensor("v", TensorProto.FLOAT, [1, 1], [7])
        ),
        helper.make_node("Add", ["area", "area"], ["twice"]),
        helper.make_node("Where", ["unknown", "seven", "twice"], ["price"]),
        helper.make_node("Identity", ["town"], ["town_out"]),
    ]
    graph = helper.make_graph(
        nodes, "g",
        [
            helper.make_tensor_value_info("area", TensorProto.FLOAT, ["batch", 1]),
            helper.make_tensor_value_info("town", TensorProto.STRING, ["batch", 1]),
        ],
        [
            helper.make_tensor_value_info("price", TensorProto.FLOAT, ["batch", 1]),
            helper.make_tensor_value_info("town_out", TensorProto.STRING, ["batch", 1]),
        ],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    model.ir_version = 10
    return model


INPUTS = {"area": np.float32([1, np.nan, 3]), "town": np.array(["Ames", "", "Boone"], dtype=object)}


def python(columns):
    area = columns["area"].astype(np.float64)
    return np.where(np.isnan(area), 7, 2 * area)


def test_equal_answers_give_a_report():
    report = check_parity(mean_of_two(), INPUTS, python(INPUTS))
    assert report.to_dict() == {"rows": 3, "max_absolute": 0.0, "max_relative": 0.0, "worst_row": 0}


def test_the_worst_row_and_both_differences_are_told():
    report = check_parity(mean_of_two(), INPUTS, np.array([2.0, 7.0, 6.0003]), batch=2)
    assert report.worst_row == 2
    assert report.max_absolute == pytest.approx(3e-4, rel=1e-3)
    assert report.max_relative == pytest.approx(5e-5, rel=1e-3)


@pytest.mark.parametrize(("wrong", "said"), [(7.01, "row 1 (1 of 3 rows)"), (np.nan, "inf")])
def test_the_first_row_that_differs_is_named(wrong, said):
    with pytest.raises(ParityError) as raised:
        check_parity(mean_of_two(), INPUTS, np.array([2.0, wrong, 6.0]))
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_row_itself_is_printed():
    with pytest.raises(ParityError, match=r"The row: area=3, town='Boone'$"):
        check_parity(mean_of_two(), INPUTS, np.array([2.0, 7.0, 6.1]))


def test_every_output_that_is_named_is_compared_and_text_must_be_the_same():
    towns = np.array(["Ames", "", "Boone"], dtype=object)
    report = check_parity(mean_of_two(), INPUTS, {"price": python(INPUTS), "town_out": towns})
    assert report.max_relative == 0
    towns[2] = "boone"
    with pytest.raises(
        ParityError, match=r"row 2 .*expected boone as in Python, the graph says Boone for 'town_out'"
    ):
        check_parity(mean_of_two(), INPUTS, {"price": python(INPUTS), "town_out": towns})


def test_a_wrong_number_of_answers_is_an_error():
    with pytest.raises(ParityError, match="expected 0 answers"):
        check_parity(mean_of_two(), {name: values[:0] for name, values in INPUTS.items()}, np.empty(0))


def test_every_case_is_made():
    cases = dict(parity_cases(INPUTS, numbers=["area"], categories=["town"]))
    assert list(cases) == [
        "area missing", "town missing", "all missing", "numbers infinite", "numbers -infinite",
        "town unseen", "all categories unseen",
    ]  # fmt: skip
    assert np.isnan(cases["area missing"]["area"]).all()
    assert cases["area missing"]["town"].tolist() == ["Ames", "", "Boone"]
    assert set(cases["all missing"]["town"]) == {""}
    assert set(cases["town unseen"]["town"]) == {UNSEEN}
    assert (cases["numbers -infinite"]["area"] == -np.inf).all()


def test_rows_lie_on_every_split_and_a_step_beside():
    splits = {"area": np.float32([1, 2, 4, 8]), "rooms": np.float32([3])}
    inputs = {**INPUTS, "rooms": np.float32([5, 6, 7])}
    cases = dict(split_cases(inputs, splits))
    assert list(cases) == ["on every split", "one step above every split", "one step below every split"]
    on, above, below = cases.values()
    assert on["area"].tolist() == [1, 2, 4, 8]
    assert on["rooms"].tolist() == [3, 3, 3, 3]
    assert on["town"].tolist() == ["Ames", "", "Boone", "Ames"]
    assert (above["area"] == np.nextafter(on["area"], np.float32(np.inf))).all()
    assert (below["rooms"] < 3).all()
    assert not dict(split_cases(inputs, {}))


def test_all_cases_are_checked_row_by_row_and_many_at_once():
    asked = []

    def counted(columns):
        asked.append(len(columns["area"]))
        return python(columns)

    reports = check_cases(
        mean_of_two(), INPUTS, counted, numbers=["area"], categories=["town"], spoilt_rows=2,
        splits={"area": np.float32([1, 2, 4, 8])},
    )  # fmt: skip
    rows = {case: report.rows for case, report in reports.items()}
    assert rows["given"] == rows["one by one"] == 3
    assert rows["10,000 at once"] == 10_000
    assert rows["all missing"] == rows["town unseen"] == 2
    assert rows["on every split"] == 4
    assert asked == [3 + 7 * 2 + 3 * 4], "Python is asked once"


def test_a_case_that_differs_is_named():
    def careless(columns):
        return 2 * columns["area"]

    known = {**INPUTS, "area": np.float32([1, 2, 3])}
    with pytest.raises(ParityError, match="'area missing', row 0"):
        check_cases(mean_of_two(), known, careless, numbers=["area"], categories=["town"])


def test_a_session_names_its_inputs():
    assert GraphSession(mean_of_two()).inputs == ("area", "town")
