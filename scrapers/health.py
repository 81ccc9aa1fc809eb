"""Selector health: how well each field is filled, against its spec's floor and against the last good run."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from itertools import accumulate
from typing import Any

from scrapers.errors import SelectorError
from scrapers.spec import Site
from scrapers.tally import FieldTally, KindTally, Place

GOOD, FALLEN = 0.9, 0.5  # filled so well in the last run, and less than so now
PRESENT, GONE = 0.9, 0.1  # shares of pages that match before and after a template has changed
MANY, MIN_SIDE, SIDE_SHARE = 10, 10, 0.05  # a change shows on so many pages at least, and so large a share
Hint = Callable[[str, str, str], str]


@dataclass(frozen=True)
class Health:
    """How one field of a kind came out: `fill` and `rejected` are shares of its records, 0 to 1."""

    fill: float
    rejected: float
    distinct: int


@dataclass(frozen=True)
class _Alarm:
    field: str
    said: str
    url: str
    fetched_url: str


def measured(pages: KindTally) -> dict[str, Health]:
    """The health of each field of a kind."""
    total = max(pages.records, 1)
    return {
        name: Health(tally.filled / total, tally.rejected / total, tally.distinct)
        for name, tally in pages.fields.items()
    }


def as_report(health: Mapping[str, Mapping[str, Health]]) -> dict[str, Any]:
    """Every kind's health as JSON has it."""
    return {kind: {name: asdict(each) for name, each in fields.items()} for kind, fields in health.items()}


def from_report(report: Any) -> dict[str, dict[str, Health]]:
    """The health that a run has reported; empty where it reported none."""
    try:
        return {
            kind: {name: Health(**each) for name, each in fields.items()}
            for kind, fields in report.get("health", {}).items()
        }
    except (AttributeError, TypeError):
        return {}


def check_health(
    site: Site,
    kind: str,
    pages: KindTally,
    health: Mapping[str, Health],
    last: Mapping[str, Health],
    hint: Hint,
) -> None:
    """Check the fields of a kind, its pages in the order of the crawl.

    Raises SelectorError: a field below its `min_fill`, one that was well filled in the last run and is not
    now, or whose texts all became one or unreadable, or one whose selector matches on one part of the crawl
    only (the template has changed half-way). `min_fill` in the spec speaks louder than the last two.
    """
    if not pages.read:
        return
    alarms = []
    for name, field in site.pages[kind].fields.items():
        if field.min_fill is not None:
            said = _under_floor(field.min_fill, health[name])
        else:
            said = _fallen(health[name], last.get(name))
        example = pages.fields[name].last_without or pages.places[-1]
        if not said and field.min_fill is None:
            said, example = _half_way(pages.fields[name], pages.read)
        if said:
            alarms.append(_Alarm(name, said, example.url, example.fetched_url))
    if alarms:
        first, others = alarms[0], [alarm.field for alarm in alarms[1:]]
        selector = site.pages[kind].fields[first.field]
        also = f" (so have {', '.join(others)})" if others else ""
        raise SelectorError(
            f"pages.{kind}.fields.{first.field}: {selector} {first.said}{also}, e.g. on {first.url}"
            f"{hint(kind, first.field, first.fetched_url)}: mend the selector, "
            "or, if the site is so, state the field's min_fill"
        )


def _under_floor(floor: float, now: Health) -> str:
    return f"fills {now.fill:.0%} of the records, min_fill is {floor:.0%}" if now.fill < floor else ""


def _fallen(now: Health, last: Health | None) -> str:
    if last is None:
        return ""
    if last.rejected < 1 - GOOD and now.rejected > FALLEN:
        return f"finds texts of another type in {now.rejected:.0%} of the records, {last.rejected:.0%} before"
    if last.fill >= GOOD and now.fill < FALLEN:
        return f"has fallen from {last.fill:.0%} of the records in the last run to {now.fill:.0%}"
    if last.distinct >= MANY and now.distinct == 1:
        return f"finds one value in all records, {last.distinct:,} in the last run"
    return ""


def _half_way(tally: FieldTally, read: list[Place]) -> tuple[str, Place]:
    """Whether a field is there before a place in the crawl and not after it, or the other way round."""
    there = tally.there
    if all(there) or not any(there):
        return "", read[0]
    side = max(MIN_SIDE, int(SIDE_SHARE * len(read)))
    sums = list(accumulate(there, initial=0))
    for place in _cuts(sums, side):
        before, after = sums[place] / place, (sums[-1] - sums[place]) / (len(read) - place)
        if before >= PRESENT and after <= GONE:
            example = next(
                page for page, is_there in zip(read[place:], there[place:], strict=True) if not is_there
            )
            return f"matches on the first {place:,} pages of the crawl and not after", example
        if before <= GONE and after >= PRESENT:
            example = next(page for page, is_there in zip(read, there, strict=True) if not is_there)
            return f"matches on the pages of the crawl after the first {place:,} only", example
    return "", read[0]


def _cuts(sums: list[int], side: int) -> list[int]:
    """The place at which the two parts of the crawl differ most, when both are long enough."""
    total = len(sums) - 1
    places = range(side, total - side + 1)
    if not places:
        return []
    return [max(places, key=lambda at: abs(sums[at] / at - (sums[-1] - sums[at]) / (total - at)))]
