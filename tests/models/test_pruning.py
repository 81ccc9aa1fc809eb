import numpy as np
import pytest

from models.pruning import greedy_weights, mixed, pruned

random = np.random.default_rng(0)
TRUTH = random.normal(size=400)
ANSWERS = {
    "good": TRUTH + random.normal(0, 0.3, 400),
    "as good": TRUTH + random.normal(0, 0.3, 400),
    "fair": TRUTH + random.normal(0, 0.6, 400),
    "noise": random.normal(0, 2, 400),
}


def loss(answer: np.ndarray) -> float:
    return float(np.sqrt(np.mean((answer - TRUTH) ** 2)))


def test_weights_add_up_and_what_does_not_help_has_none():
    weights = greedy_weights(ANSWERS, loss)
    assert sum(weights.values()) == pytest.approx(1)
    assert "noise" not in weights
    assert weights["good"] == pytest.approx(weights["as good"], abs=0.15)
    assert weights["fair"] < min(weights["good"], weights["as good"])
    assert loss(mixed(ANSWERS, weights)) < min(map(loss, ANSWERS.values()))


def test_one_member_has_the_whole_weight():
    assert greedy_weights({"noise": ANSWERS["noise"]}, loss) == {"noise": 1.0}


def test_members_go_one_by_one_the_dearest_for_its_worth_first():
    costs = {"good": 10.0, "as good": 1.0, "fair": 1.0, "noise": 1.0}
    path = list(pruned(ANSWERS, loss, lambda names: sum(costs[name] for name in names)))
    sizes = [len(weights) for weights in path]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == 1
    assert "good" not in path[1], "it costs ten times as much as its equal"
    assert list(path[-1]) == ["as good"]


def test_a_member_that_others_need_costs_nothing_more():
    def cost(names):
        return 5.0 if "stacked" in names else float(len(names))

    answers = {"stacked": TRUTH + random.normal(0, 0.2, 400), "below": ANSWERS["good"]}
    path = list(pruned(answers, loss, cost))
    # Leaving out "below" saves nothing while "stacked" needs it, so the stack goes, however good.
    assert [sorted(weights) for weights in path] == [["below", "stacked"], ["below"]]


def test_classes_are_mixed_as_probabilities():
    right = np.array([0, 1, 1, 0])
    sure = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.7, 0.3]])
    other = np.array([[0.4, 0.6], [0.3, 0.7], [0.1, 0.9], [0.6, 0.4]])

    def log_loss(shares):
        return -float(np.log(shares[np.arange(4), right]).mean())

    weights = greedy_weights({"sure": sure, "other": other}, log_loss)
    assert set(weights) == {"sure", "other"}
    assert log_loss(mixed({"sure": sure, "other": other}, weights)) < min(log_loss(sure), log_loss(other))
