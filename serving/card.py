"""The model card: what a model is for, what it learnt from, how well it does and where not.

After Mitchell et al. 2019, "Model Cards for Model Reporting" (https://arxiv.org/abs/1810.03993).
"""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Count = Annotated[int, Field(ge=0)]
Text = Annotated[str, Field(min_length=1)]


class Frozen(BaseModel):
    """Base of the bundle's parts: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Target(Frozen):
    """What is predicted: its least, median and largest value in the training rows, in `unit`."""

    name: Text
    unit: str | None = None
    minimum: float
    median: float
    maximum: float

    @model_validator(mode="after")
    def _ascends(self) -> Self:
        if not self.minimum <= self.median <= self.maximum:
            raise ValueError(
                "a target's minimum, median and maximum ascend, "
                f"not {self.minimum}, {self.median}, {self.maximum}"
            )
        return self


class CardData(Frozen):
    """What the model learnt from and was tested on.

    `source` says it in words, `site` names what was crawled, `records` counts what was found there; `rows`
    counts by part (train, validation, test), `split` says how the parts were made, `period` what time the
    rows cover.
    """

    source: Text
    site: str | None = None
    records: Count | None = None
    rows: dict[str, Count] = {}
    split: str = ""
    period: str = ""
    target: Target | None = None


class CardMetric(Frozen):
    """One figure on the test rows, between the ends `low` and `high` of its interval.

    `better` says which way is good; `others` holds the same figure of models to compare with, by name.
    """

    name: Text
    value: float
    low: float | None = None
    high: float | None = None
    unit: str | None = None
    better: Literal["less", "more"] | None = None
    others: dict[str, float] = {}

    @model_validator(mode="after")
    def _interval_is_whole(self) -> Self:
        if (self.low is None) != (self.high is None):
            raise ValueError(
                f"metric {self.name!r} has one end of an interval: give low and high, or neither"
            )
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"metric {self.name!r}: low {self.low} is above high {self.high}")
        return self


class CardSlice(Frozen):
    """The figures of the test rows of one group: `slicing` says by what they are grouped, `name` which."""

    slicing: Text
    name: Text
    rows: Annotated[int, Field(ge=1)]
    metrics: dict[str, float]


class Card(Frozen):
    """What a person should know before trusting a model's answers.

    `confidence` is that of the metrics' intervals. In all `slices` the first metric is an error, less being
    better; slices of fewer than `few_rows` rows say little. `meanings` explain figures by their name.
    `limits` are sentences.
    """

    model: Text
    intended_use: str = ""
    data: CardData
    confidence: Annotated[float, Field(gt=0, lt=1)] | None = None
    metrics: tuple[CardMetric, ...] = ()
    slices: tuple[CardSlice, ...] = ()
    few_rows: Count = 0
    meanings: dict[str, str] = {}
    limits: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _figures_agree(self) -> Self:
        metrics = [metric.name for metric in self.metrics]
        groups = [f"{one.slicing}: {one.name}" for one in self.slices]
        for what, names in (("metric", metrics), ("slice", groups)):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{what} {twice[0]!r} is listed twice")
        odd = [one for one in self.slices if [*one.metrics] != [*self.slices[0].metrics] or not one.metrics]
        if odd:
            raise ValueError(
                f"slice {odd[0].name!r}: all slices have the same metrics, one or more, "
                f"not {[*odd[0].metrics]}"
            )
        if self.confidence is None and any(metric.low is not None for metric in self.metrics):
            raise ValueError("intervals need the confidence that they are of")
        return self

    def slicings(self) -> dict[str, list[CardSlice]]:
        """The slices by what they are grouped by, those with the largest error first."""
        groups: dict[str, list[CardSlice]] = {}
        for one in self.slices:
            groups.setdefault(one.slicing, []).append(one)
        return {name: sorted(group, key=_first, reverse=True) for name, group in groups.items()}


def _first(one: CardSlice) -> float:
    return next(iter(one.metrics.values()))
