"""Alarms: pages that a crawl lost, selectors that match nothing, texts of the wrong type, missing records."""

from pathlib import Path

from scrapers.errors import CountError, FieldError, LostPagesError, SelectorError
from scrapers.health import Hint
from scrapers.report import CrawlReport
from scrapers.spec import Site
from scrapers.spec_fields import Field
from scrapers.tally import FieldTally, KindTally

ROWS = "rows"  # stands for a kind's rows where a field's name is asked for
LOST_SHARE, LOST_AT_LEAST = 0.05, 10  # more pages lost than both: the crawl has failed


def check_whole(site: Site, report: CrawlReport) -> None:
    """Raise LostPagesError when a crawl did not get what the spec demands."""
    lost = [failure for failure in report.errors if not failure.gone]
    leading = [f for f in lost if site.pages[f.kind].follow or site.pages[f.kind].rows]
    again = "run again: the crawl goes on from here"
    if leading:
        raise LostPagesError(
            f"{leading[0].url}: {leading[0].reason}: a page that leads to others or holds several records, "
            f"so an unknown number is lost ({len(leading)} such pages): {again}"
        )
    if len(lost) > max(LOST_AT_LEAST, LOST_SHARE * report.total):
        raise LostPagesError(
            f"{len(lost):,} of {report.total:,} pages could not be had, "
            f"e.g. {lost[0].url} ({lost[0].reason}): {again}"
        )
    absent = [kind for kind in site.pages if "200" not in report.pages.get(kind, {})]
    if absent and not report.left:
        raise LostPagesError(
            f"pages.{absent[0]}: expected pages of this kind, came to none of {report.total:,}: "
            "mend its url pattern, or the follow selectors that lead to it"
        )


def check_fields(site: Site, kind: str, pages: KindTally, hint: Hint) -> None:
    """Check that every selector of a kind still finds what the spec says is there.

    Raises CountError when there is no page of the kind; SelectorError when its rows or a field match on no
    page, or a required field not in every record; FieldError when no text of a field, or not every text of a
    required one, is of its type.
    """
    if not pages.places:
        raise CountError(
            f"pages.{kind}: expected pages of this kind in the crawl, got none: mend its url pattern, "
            "or the follow selectors that lead to it, and crawl again"
        )
    first, number = min(pages.places), len(pages.places)
    if not pages.records:
        raise SelectorError(
            f"pages.{kind}.rows: {site.pages[kind].rows} matches nothing on any of {number:,} pages, "
            f"e.g. {first.url}{hint(kind, ROWS, first.fetched_url)}: mend the selector "
            "(millrace probe shows what matches)"
        )
    for name, field in site.pages[kind].fields.items():
        tally, place = pages.fields[name], f"pages.{kind}.fields.{name}"
        if not tally.matched:
            raise SelectorError(
                f"{place}: {field} matches nothing on any of {number:,} pages, "
                f"e.g. {first.url}{hint(kind, name, first.fetched_url)}: mend the selector, "
                "or take the field out (millrace probe shows what matches)"
            )
        _check_type(place, field, tally)
        if field.required or name == site.key:
            _check_required(place, field, tally, pages.records)


def check_count(site: Site, kind: str, records: int, pages: int, warc: Path) -> None:
    """Raise CountError when a kind has other than the expected number of records."""
    expect = site.pages[kind].expect
    if expect is not None and not expect.allows(records):
        raise CountError(
            f"pages.{kind}.expect: expected {expect} records, got {records:,} from {pages:,} pages of "
            f"{warc}: see the crawl's report for pages that failed, or change expect"
        )


def _check_type(place: str, field: Field, tally: FieldTally) -> None:
    if tally.refused is not None and tally.rejected == tally.matched:
        _, example = tally.refused
        raise FieldError(
            f"{place}: none of {tally.rejected:,} texts can be read as {field.type}: {example.why} "
            f"at {example.url}: mend the type, pattern or selector"
        )


def _check_required(place: str, field: Field, tally: FieldTally, records: int) -> None:
    if tally.refused is not None:
        _, example = tally.refused
        raise FieldError(
            f"{place}: required, but {tally.rejected:,} texts cannot be read as {field.type}: "
            f"{example.why} at {example.url}: mend the type or pattern"
        )
    if tally.without is not None:
        raise SelectorError(
            f"{place}: required, but {field} gives nothing in {records - tally.filled:,} of "
            f"{records:,} records, e.g. on {tally.without.url}: mend the selector"
        )
