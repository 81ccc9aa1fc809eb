"""Alarms: pages that a crawl lost, selectors that match nothing, texts of the wrong type, missing records."""

from pathlib import Path

from scrapers.errors import CountError, FieldError, LostPagesError, SelectorError
from scrapers.health import Hint
from scrapers.records import PageRecords, Rejected
from scrapers.report import CrawlReport
from scrapers.spec import Site
from scrapers.spec_fields import Field

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


def check_fields(site: Site, kind: str, pages: list[PageRecords], hint: Hint) -> None:
    """Check that every selector of a kind still finds what the spec says is there.

    Raises CountError when there is no page of the kind; SelectorError when its rows or a field match on no
    page, or a required field not in every record; FieldError when no text of a field, or not every text of a
    required one, is of its type.
    """
    if not pages:
        raise CountError(
            f"pages.{kind}: expected pages of this kind in the crawl, got none: mend its url pattern, "
            "or the follow selectors that lead to it, and crawl again"
        )
    if not any(page.records for page in pages):
        raise SelectorError(
            f"pages.{kind}.rows: {site.pages[kind].rows} matches nothing on any of {len(pages):,} pages, "
            f"e.g. {pages[0].url}: mend the selector (millrace probe shows what matches)"
        )
    for name, field in site.pages[kind].fields.items():
        if not any(page.matched[name] for page in pages):
            raise SelectorError(
                f"pages.{kind}.fields.{name}: {field} matches nothing on any of {len(pages):,} pages, "
                f"e.g. {pages[0].url}{hint(kind, name, pages[0].fetched_url)}: mend the selector, "
                "or take the field out (millrace probe shows what matches)"
            )
        _check_type(f"pages.{kind}.fields.{name}", name, field, pages)
        if field.required or name == site.key:
            _check_required(f"pages.{kind}.fields.{name}", name, field, pages)


def check_count(site: Site, kind: str, records: int, pages: int, warc: Path) -> None:
    """Raise CountError when a kind has other than the expected number of records."""
    expect = site.pages[kind].expect
    if expect is not None and not expect.allows(records):
        raise CountError(
            f"pages.{kind}.expect: expected {expect} records, got {records:,} from {pages:,} pages of "
            f"{warc}: see the crawl's report for pages that failed, or change expect"
        )


def _check_type(place: str, name: str, field: Field, pages: list[PageRecords]) -> None:
    rejected = _rejected(name, pages)
    if rejected and len(rejected) == sum(page.matched[name] for page in pages):
        raise FieldError(
            f"{place}: none of {len(rejected):,} texts can be read as {field.type}: {rejected[0].why} "
            f"at {rejected[0].url}: mend the type, pattern or selector"
        )


def _check_required(place: str, name: str, field: Field, pages: list[PageRecords]) -> None:
    rejected = _rejected(name, pages)
    if rejected:
        raise FieldError(
            f"{place}: required, but {len(rejected):,} texts cannot be read as {field.type}: "
            f"{rejected[0].why} at {rejected[0].url}: mend the type or pattern"
        )
    without = [page.url for page in pages for record in page.records if record[name] is None]
    if without:
        raise SelectorError(
            f"{place}: required, but {field} gives nothing in {len(without):,} of "
            f"{sum(len(page.records) for page in pages):,} records, e.g. on {without[0]}: mend the selector"
        )


def _rejected(name: str, pages: list[PageRecords]) -> list[Rejected]:
    return [rejected for page in pages for rejected in page.rejected if rejected.field == name]
