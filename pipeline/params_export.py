"""Parameters of the exports: the bundle, its card, and how the model must behave."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from pipeline.section import Factor, Positive, Section, ascending


class DirectionParams(Section):
    """Steps that make a row better: the mean answer must change by `at_least`, relative (0.01 is 1%)."""

    name: str
    steps: Annotated[dict[str, float], Field(min_length=1)]
    at_least: Annotated[float, Field(gt=-1)]


class CaseParams(Section):
    """A simple row, all other fields missing, and the two ends between which its answer lies."""

    name: str
    record: dict[str, float | str]
    between: Annotated[list[float], Field(min_length=2, max_length=2), AfterValidator(ascending)]


class BehaviourParams(Section):
    """What the exported model must do: factors from 1 on by which answers may differ, and expectations."""

    same_factor: Factor
    ignored: list[str]
    directions: list[DirectionParams]
    cases: list[CaseParams]
    baseline: Literal["median", "linear"]
    slice_rows: Positive
    slice_factor: Annotated[float, Field(gt=0)]
    missing_factor: Factor
    unseen_factor: Factor


class CardParams(Section):
    """The model card's words: where the data are from, what the model is for, and limits no figure shows.

    `period` is the number column that says when a row is from; slices of fewer than `few_rows` test rows are
    told apart.
    """

    source: str
    intended_use: str
    period: str | None = None
    few_rows: Positive
    limits: list[str]


class ExportParams(Section):
    """The bundle: its name, version, words and card, the parity it must reach, and how it must behave."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
    version: Positive
    description: str
    output: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]
    tolerance: Annotated[float, Field(gt=0)]
    budget_ms: Annotated[float, Field(gt=0)] | None
    behaviour: BehaviourParams
    card: CardParams
