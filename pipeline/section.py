"""What every section of parameters is made of: its base, and the kinds of number that it takes."""

from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field


def _count_share_or_auto(keep: Any) -> Any:
    count = isinstance(keep, int) and not isinstance(keep, bool) and keep >= 1
    if not count and not (isinstance(keep, float) and 0 < keep < 1) and keep != "auto":
        raise ValueError("expected a number of columns from 1, a share between 0 and 1, or auto")
    return keep


def ascending(edges: list[float]) -> list[float]:
    """The edges, if each is above the one before it; pydantic tells of the ValueError."""
    if any(low >= high for low, high in pairwise(edges)):
        raise ValueError(f"edges must ascend, got {edges}")
    return edges


Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(gt=0, lt=1)]
Keep = Annotated[int | float | Literal["auto"], BeforeValidator(_count_share_or_auto)]
Names = Annotated[list[str], Field(min_length=1)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Factor = Annotated[float, Field(ge=1)]
Edges = Annotated[list[float], Field(min_length=1), AfterValidator(ascending)]


class Section(BaseModel):
    """One stage's section: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
