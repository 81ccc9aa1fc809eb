"""Methods side by side: what their verdicts come to, and what the table itself allows."""

import pytest

from models.nas.catalog import SPACES, lesson_of
from models.nas.compare import ceiling, compare, figures, noise, suited
from models.nas.history import History, Trial
from models.nas.judge import Truth, Verdict
from models.nas.table import Table, packaged
from models.nas.training import Measured
from tests.models.test_nas_judge import Numbers, arch

MLP = SPACES["mlp"]


def numbers(seen: dict[int, float]) -> Table:
    """Architecture n is truly worth n / 200 and is seen as that, save those in ``seen``."""
    space = Numbers()
    rows = {}
    for each in space.architectures:
        number = int(each[0])
        score = seen.get(number, number / 200)
        rows[each, 0] = Measured(each, 0, (0.0, score), number / 200, 1, 1)
    return Table(space, {}, rows)


def test_the_ceiling_is_what_the_best_validation_score_of_all_gets():
    table = numbers({150: 2.0, 120: 1.5})
    found = ceiling(table, Truth(table))
    assert found["regret"] == pytest.approx(49 / 200, abs=1e-4)
    assert found["share_above"] == 49 / 200
    assert found["places"] == 3
    assert 0.9 < found["tau"] < 1
    assert ceiling(numbers({}), Truth(numbers({}))) == {
        "regret": 0, "share_above": 0, "places": 1, "tau": 1,
    }  # fmt: skip


def test_noise_is_how_seeds_agree():
    table = numbers({})
    again = {
        (each, seed): Measured(each, seed, (0.0, worth(int(each[0]))), int(each[0]) / 200, 1, 1)
        for each in table.architectures[:100]
        for seed, worth in ((1, lambda number: number), (2, lambda number: -2 * number))
    }
    found = noise(Table(table.space, {}, {**table.rows, **again}))
    # Of the three pairs of seeds one agrees on validation rows and two are opposed; on test rows all agree.
    assert found["architectures"] == 100
    assert found["validation"] == pytest.approx(-1 / 3, abs=1e-4)
    assert found["test"] == 1
    assert noise(table)["validation"] is None


def test_figures_are_medians_and_shares_over_the_seeds():
    truth = Truth(numbers({}))
    history = History(1, [Trial(arch(5), 1, 0.5, 10)])

    class Judged:
        def __init__(self, regret, top):
            self.history, self.method, self.seed = history, "m", 0
            found = top is not None
            compute = top if found else float("inf")
            self.verdict = Verdict(regret, 0.04, compute, found, False, float("nan"), float("nan"))

    found = figures([Judged(0.3, None), Judged(0.1, 0.02), Judged(0.2, 0.03)], truth)
    assert found["regret"] == 0.2
    assert found["found"] == pytest.approx(2 / 3, abs=1e-4)
    assert found["returned"] == 0
    assert found["top_compute"] == 0.03
    assert found["tau"] is None
    assert figures([Judged(0.3, None), Judged(0.1, 0.02), Judged(0.2, None)], truth)["top_compute"] is None


def test_runs_come_by_method_and_seed_within_the_budget_and_repeat():
    table, lesson = packaged(MLP), lesson_of(MLP)
    asked = (table, lesson, ["evolution", "random"], range(3), 0.2)
    runs = compare(*asked, progress=False)
    assert [(run.method, run.seed) for run in runs] == [
        (method, seed) for method in ("evolution", "random") for seed in range(3)
    ]
    assert all(run.verdict.compute <= 0.2 for run in runs)
    assert [run.history for run in compare(*asked, progress=False)] == [run.history for run in runs]


def test_spaces_without_shared_weights_are_spared_the_supernets():
    assert "one_shot" in suited(SPACES["cells"])
    assert not [name for name in suited(MLP) if "shot" in name]
    assert "predictor" in suited(MLP)
