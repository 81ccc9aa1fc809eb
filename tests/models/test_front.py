import pytest

from models.errors import ModelError
from models.front import Candidate, front_table, on_front, pick

CANDIDATES = [
    Candidate("all", "ensemble", 0.100, 1.0),
    Candidate("student", "network", 0.105, 0.1),
    Candidate("two", "pruned", 0.102, 0.4, {"a": 0.5, "b": 0.5}),
    Candidate("a", "pruned", 0.110, 0.3, {"a": 1.0}),
    Candidate("AutoGluon", "ensemble", 0.099, 140.0, graph=False),
]


@pytest.mark.parametrize(
    ("budget_ms", "name"), [(0.1, "student"), (0.35, "student"), (0.4, "two"), (5, "all"), (1000, "all")]
)
def test_the_most_accurate_graph_within_the_budget_is_picked(budget_ms, name):
    assert pick(CANDIDATES, budget_ms=budget_ms).name == name


def test_a_budget_that_nothing_keeps_says_what_is_quickest():
    with pytest.raises(ModelError, match=r"within 0\.05 ms here: the quickest, student, takes 0\.1 ms"):
        pick(CANDIDATES, budget_ms=0.05)


def test_the_front_leaves_out_what_is_slower_and_no_better():
    assert [each.name for each in on_front(CANDIDATES)] == ["student", "two", "all", "AutoGluon"]
    table = front_table(CANDIDATES)
    assert table["name"].tolist() == ["student", "a", "two", "all", "AutoGluon"]
    assert table["front"].tolist() == [True, False, True, True, True]
    assert table["members"].tolist() == [0, 1, 2, 0, 0]
