"""Behavioural tests: each kind passes on a model that behaves and names the row on which another does not."""

import json

import numpy as np
import pytest

from models.behaviour.direction import direction
from models.behaviour.invariance import extra_spaces, order_of_rows, other_listings
from models.behaviour.minimum import named_case
from models.behaviour.outcome import Outcome, refuse_failures, tightest
from models.behaviour.robustness import UNSEEN, missing_fields, unseen_categories
from models.behaviour.sample import Sample, UnknownFieldError, asked
from models.behaviour.slices import slices
from models.errors import BehaviourError, ModelError

LEVELS = {"quality": ("Poor", "Fair", "Good")}
WORTH = {"Poor": -20_000, "Fair": 0, "Good": 30_000}
SAMPLE = Sample(
    keys=np.array(["a", "b", "c", "d"], dtype=object),
    numbers={"area": np.float32([900, 1500, np.nan, 2000])},
    categories={
        "quality": np.array(["Poor", "Fair", "Good", ""], dtype=object),
        "town": np.array(["Ames", "North Ames", "", "Boone"], dtype=object),
    },
)


def price(columns, per_area=100.0, fold=True):
    """100 a square foot, 1200 where the area is missing; the quality's worth, nothing for another text."""
    area = np.nan_to_num(columns["area"].astype(np.float64), nan=1200)
    texts = [" ".join(text.split()) if fold else text for text in columns["quality"]]
    return 60_000 + per_area * area + np.array([WORTH.get(text, 0) for text in texts])


def careless(columns):
    return price(columns, fold=False)


def smaller_is_better(columns):
    return price(columns, per_area=-20)


def by_subject(outcomes):
    return {outcome.subject: outcome for outcome in outcomes}


def test_extra_spaces_change_nothing_in_a_model_that_folds_them():
    outcomes = by_subject(extra_spaces(price, SAMPLE, high=1.00001))
    assert set(outcomes) == {"quality", "town"}
    assert all(outcome.passed and outcome.measured == 1 for outcome in outcomes.values())


def test_a_model_that_reads_spaces_is_told_with_the_worst_row():
    outcomes = by_subject(extra_spaces(careless, SAMPLE, high=1.00001))
    assert outcomes["town"].passed
    assert not outcomes["quality"].passed
    assert outcomes["quality"].measured == pytest.approx(210 / 180)
    assert outcomes["quality"].worst == {"row": "c", "before": 210_000.0, "after": 180_000.0}


def test_another_listing_number_changes_nothing_unless_the_model_reads_it():
    def reads_it(columns):
        return price(columns) + 1000 * np.array([len(str(text)) for text in columns["listing"]])

    with_number = Sample(
        SAMPLE.keys,
        SAMPLE.numbers,
        {**SAMPLE.categories, "listing": np.array(["1", "22", "333", "4"], object)},
    )
    assert all(outcome.passed for outcome in other_listings(price, SAMPLE, ["listing"], high=1.00001))
    (read,) = other_listings(reads_it, with_number, ["listing"], high=1.00001)
    assert not read.passed


def test_a_model_that_refuses_the_listing_number_cannot_heed_it():
    def refuses(columns):
        if "listing" in columns:
            raise UnknownFieldError("no field 'listing'")
        return price(columns)

    (outcome,) = other_listings(refuses, SAMPLE, ["listing"], high=1.00001)
    assert outcome.passed


def test_a_row_may_not_depend_on_its_place():
    def by_place(columns):
        return price(columns) + 1000 * np.arange(len(columns["area"]))

    (good,) = order_of_rows(price, SAMPLE, high=1.00001)
    (bad,) = order_of_rows(by_place, SAMPLE, high=1.00001)
    assert good.passed
    assert not bad.passed


def test_a_number_steps_up_within_what_was_seen():
    outcome = direction(price, SAMPLE, "larger", {"area": 100}, low=0.05, levels=LEVELS)
    assert outcome.rows == 2, "the missing area, and the largest, have no room"
    assert outcome.measured == pytest.approx(10_000 / 170_000)
    assert outcome.passed


@pytest.mark.parametrize("low", [0.0, -0.001])
def test_the_wrong_direction_is_told_with_the_row_that_loses_most(low):
    outcome = direction(smaller_is_better, SAMPLE, "larger", {"area": 100}, low=low, levels=LEVELS)
    assert not outcome.passed
    assert outcome.measured < 0
    assert outcome.worst == {"row": "a", "before": 22_000.0, "after": 20_000.0, "area": 900.0}


def test_a_column_that_the_model_ignores_fails_where_an_effect_is_asked_for():
    def ignores(columns):
        return price({**columns, "area": np.full(len(columns["area"]), 1200)})

    assert direction(ignores, SAMPLE, "larger", {"area": 100}, low=0.0, levels=LEVELS).passed
    assert not direction(ignores, SAMPLE, "larger", {"area": 100}, low=0.01, levels=LEVELS).passed
    unread = direction(price, SAMPLE, "more rooms", {"rooms": 1}, low=0.01, levels=LEVELS)
    assert (unread.measured, unread.passed) == (0, False)


def test_an_ordered_category_steps_up_its_levels():
    outcome = direction(price, SAMPLE, "better", {"quality": 1}, low=0.1, levels=LEVELS)
    assert outcome.rows == 2, "Good has no level above it, and a missing one has no place"
    assert outcome.measured == pytest.approx(50_000 / 340_000)


@pytest.mark.parametrize(
    ("steps", "says"),
    [({"town": 1}, "'town'"), ({"quality": 0.5}, "0.5 in 'quality'"), ({"area": 9000}, "no row has room")],
)
def test_a_step_that_cannot_be_taken_is_an_error(steps, says):
    with pytest.raises(BehaviourError, match=says):
        direction(price, SAMPLE, "better", steps, low=0.0, levels=LEVELS)


def test_a_named_case_has_its_fields_and_no_others():
    seen = []

    def watched(columns):
        seen.append(columns)
        return price(columns)

    record = {"area": 1000.0, "quality": "Good", "rooms": 3.0}
    outcome = named_case(watched, SAMPLE, "good house", record, low=180_000, high=200_000)
    assert (outcome.measured, outcome.passed) == (190_000, True)
    assert {name: values.tolist() for name, values in seen[0].items()} == {
        "area": [1000.0], "quality": ["Good"], "town": [""],
    }  # fmt: skip
    assert not named_case(price, SAMPLE, "good house", record, low=200_000, high=300_000).passed
    assert not named_case(price, SAMPLE, "good house", record, low=100_000, high=180_000).passed


def test_a_slice_may_not_be_worse_than_the_baseline():
    truth = np.array([130_000.0, 210_000, 210_000, 260_000])
    baseline = truth * np.array([1.01, 1.01, 1.2, 1.2])
    names = {"side": np.array(["north", "north", "south", "alone"], dtype=object)}
    found = by_subject(slices(lambda _: truth * 1.1, SAMPLE, truth, baseline, names, min_rows=1, high=1.1))
    assert not found["side: north"].passed
    assert found["side: north"].measured == pytest.approx(np.log(1.1) / np.log(1.01), rel=1e-3)
    assert found["side: south"].passed
    large = by_subject(slices(lambda _: truth * 1.1, SAMPLE, truth, baseline, names, min_rows=2, high=1.1))
    assert set(large) == {"side: north"}


def test_missing_fields_are_answered_near_the_full_row():
    outcomes = by_subject(missing_fields(price, SAMPLE, high=1.5))
    assert set(outcomes) == {"area", "quality", "town", "all at once"}
    assert outcomes["area"].measured == pytest.approx(260 / 180)
    assert all(outcome.passed for outcome in outcomes.values())
    assert not by_subject(missing_fields(price, SAMPLE, high=1.4))["area"].passed


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -1.0, 0.0])
def test_no_answer_to_a_missing_or_unseen_value_fails_whatever_the_factor(wrong):
    def lost(columns):
        strange = np.isnan(columns["area"]) | (columns["town"] == UNSEEN)
        return np.where(strange, wrong, price(columns))

    known = SAMPLE.taken(np.array([True, True, False, False]))
    missing = by_subject(missing_fields(lost, known, high=1e9))
    assert not missing["area"].passed
    assert not missing["all at once"].passed
    assert missing["quality"].passed
    unseen = by_subject(unseen_categories(lost, known, high=1e9))
    assert {name: outcome.passed for name, outcome in unseen.items()} == {"quality": True, "town": False}
    json.dumps([outcome.to_dict() for outcome in unseen.values()], allow_nan=False)


def test_a_wrong_number_of_answers_is_an_error():
    with pytest.raises(BehaviourError, match="expected 4 answers"):
        asked(lambda _: np.ones((4, 1)), SAMPLE.columns)


def test_a_failure_is_one_line_that_names_path_test_row_value_and_limit():
    good = Outcome("direction", "larger", "area +100", 4, 0.02, low=0.01)
    bad = Outcome("robustness", "missing field", "area", 4, 2.5, high=2.0, worst={"row": "c", "before": 1.0})
    refuse_failures([good], "graph")
    with pytest.raises(ModelError) as raised:
        refuse_failures([good, bad], "graph")
    said = str(raised.value)
    assert said.startswith(
        "graph: robustness, missing field, area: expected at most 2, got 2.5 (row c, before 1.0)"
    )
    assert "1 of 2 tests" in said
    assert "\n" not in said


def test_the_summary_shows_each_checks_least_margin():
    near, far, lost = (
        Outcome("robustness", "missing field", name, 4, value, high=2.0)
        for name, value in (("near", 1.9), ("far", 1.1), ("lost", np.nan))
    )
    assert tightest([far, near]) == [(near, 2, 2)]
    assert tightest([far, lost, near]) == [(lost, 3, 2)]
