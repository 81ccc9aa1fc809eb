"""Behavioural tests of the chain's model on the test rows, with the expectations that params.yaml states."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from features.columns import Column
from models.behaviour.direction import directions
from models.behaviour.invariance import extra_spaces, order_of_rows, other_listings
from models.behaviour.minimum import named_case
from models.behaviour.outcome import Outcome, plain, refuse_failures, tightest
from models.behaviour.robustness import missing_fields, unseen_categories
from models.behaviour.sample import Answer, Sample
from models.behaviour.slices import slices
from pipeline.errors import ParamsError
from pipeline.params_export import BehaviourParams
from pipeline.tables import SLICE, Selection


def prove_behaviour(
    paths: Mapping[str, Answer], chosen: Selection, rows: pd.DataFrame, wanted: BehaviourParams
) -> dict[str, Any]:
    """The content of behaviour.json: every test with what was measured on each of `paths`, and a summary.

    Raises BehaviourError, which names path, test and row, for the first that fails.
    """
    outcomes = {path: behave(answer, chosen, rows, wanted) for path, answer in paths.items()}
    for path, found in outcomes.items():
        refuse_failures(found, path)
    return document(outcomes)


def behave(answer: Answer, chosen: Selection, rows: pd.DataFrame, wanted: BehaviourParams) -> list[Outcome]:
    """Every test on one path. ROWS are evaluate's: raw columns, target, baselines' answers and slices.

    Raises ParamsError for an expectation of a column that the table does not have.
    """
    _check_columns(rows, chosen, wanted)
    sample = sample_of(chosen, rows)
    levels = {column.name: column.levels for column in chosen.inputs.columns if column.ordered}
    steps = {one.name: (one.steps, one.at_least) for one in wanted.directions}
    names = {
        str(column).removeprefix(SLICE): rows[column].to_numpy()
        for column in rows.columns
        if str(column).startswith(SLICE)
    }
    truth, baseline = (
        rows[column].to_numpy(dtype=np.float64)
        for column in (chosen.inputs.target.name, f"predicted_{wanted.baseline}")
    )
    ids = [chosen.inputs.key, *wanted.ignored]
    return [
        *other_listings(answer, sample, ids, high=wanted.same_factor),
        *extra_spaces(answer, sample, high=wanted.same_factor),
        *order_of_rows(answer, sample, high=wanted.same_factor),
        *directions(answer, sample, steps, levels),
        *(
            named_case(answer, sample, case.name, case.record, low=case.between[0], high=case.between[1])
            for case in wanted.cases
        ),
        *slices(answer, sample, truth, baseline, names, min_rows=wanted.slice_rows, high=wanted.slice_factor),
        *missing_fields(answer, sample, high=wanted.missing_factor),
        *unseen_categories(answer, sample, high=wanted.unseen_factor),
    ]


def sample_of(chosen: Selection, rows: pd.DataFrame) -> Sample:
    """The raw inputs of `rows`, named by the key."""
    raw = chosen.raw(rows)
    columns = {
        kind: {
            column.name: raw[column.name].to_numpy()
            for column in chosen.inputs.columns
            if column.kind == kind
        }
        for kind in ("number", "category")
    }
    return Sample(rows[chosen.inputs.key].to_numpy(), columns["number"], columns["category"])


def document(outcomes: Mapping[str, list[Outcome]]) -> dict[str, Any]:
    """Outcomes by path as JSON: one entry a test and one a check; `worst` is the last path's."""
    *_, last = outcomes.values()
    tests = [
        {
            **found[-1].to_dict(),
            "passed": all(one.passed for one in found),
            "measured": {path: plain(one.measured) for path, one in zip(outcomes, found, strict=True)},
        }
        for found in zip(*outcomes.values(), strict=True)
    ]
    summary = [
        {**tests[last.index(nearest)], "tests": count, "tests_passed": passed}
        for nearest, count, passed in tightest(last)
    ]
    return {"paths": list(outcomes), "summary": summary, "tests": tests}


def _check_columns(rows: pd.DataFrame, chosen: Selection, wanted: BehaviourParams) -> None:
    """Refuse an expectation of a column that is none, or that does not take its step or value."""
    columns = {column.name: column for column in chosen.inputs.columns}
    told: list[tuple[str, str, str, float | str]] = [
        ("directions", one.name, *step) for one in wanted.directions for step in one.steps.items()
    ]
    told += [("cases", one.name, *item) for one in wanted.cases for item in one.record.items()]
    for section, name, column, value in told:
        fault = _fault(section, columns.get(column), value)
        if column not in rows.columns:
            fault = "is no column of the table"
        if fault:
            raise ParamsError(f"export.behaviour.{section}: {name!r}: {column!r} {fault}: mend params.yaml")


def _fault(section: str, column: Column | None, value: float | str) -> str:
    """What is wrong with a step in, or a value of, a column; one that the model does not read takes any."""
    if column is None:
        return ""
    if section == "directions":
        return "has no levels to step" if column.kind == "category" and not column.ordered else ""
    if isinstance(value, str) != (column.kind == "category"):
        return f"takes a {column.kind}, got {value!r}"
    if column.levels and value not in column.levels:
        return f"is one of {', '.join(column.levels)}, got {value!r}"
    return ""
