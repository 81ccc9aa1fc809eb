"""A site's records as a table in one go: crawled and parsed at once, outside the chain."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from pipeline.errors import InputError
from pipeline.files import write_csv, write_json, write_jsonl, write_parquet
from pipeline.parse import last_health, records_frame, report_of
from pipeline.since import since_when
from scrapers.parse import Parsed
from scrapers.scrape import scrape
from scrapers.spec import load_site

WRITERS: dict[str, Callable[[Path, pd.DataFrame], None]] = {
    ".csv": write_csv,
    ".jsonl": write_jsonl,
    ".parquet": write_parquet,
}
REPORT_NAME = "records.json"
_NAMED = 10


def main(site: Path, out: Path, pages: Path | None = None, since: str | None = None) -> None:
    """Write the records of SITE, a site spec, to OUT: .csv, .jsonl or .parquet, by its ending.

    The archive and the reports go to the folder PAGES, by default named after OUT. Run again, it goes on
    where it was interrupted; after a whole crawl it asks only for what has changed.
    """
    write = WRITERS.get(out.suffix)
    if write is None:
        raise InputError(f"{out}: expected a name that ends in {', '.join(WRITERS)}")
    spec = load_site(site)
    folder = out.with_name(f"{out.stem}-pages") if pages is None else pages
    moment = since_when(since, datetime.now(UTC))
    report = folder / REPORT_NAME
    found = scrape(spec, folder, since=moment, last=last_health(report, spec))
    write(out, records_frame(spec, found.parsed.records))
    write_json(report, report_of(spec, found.parsed))
    print(found.report.to_text())
    print("\n".join(_lines(found.parsed, out)))


def _lines(parsed: Parsed, out: Path) -> list[str]:
    """What a person should know of the records."""
    total = len(parsed.records)
    lines = [f"{out}: {total:,} records of {len(parsed.fill)} fields"]
    empty = sorted((share, name) for name, share in parsed.fill.items() if share < 1)
    lines += [f"  {name}: missing in {total - round(share * total):,}" for share, name in empty[:_NAMED]]
    lines += [f"  {len(empty) - _NAMED} more fields are missing in some"] if len(empty) > _NAMED else []
    for what, several in (
        ("texts not of their field's type", parsed.rejected),
        ("keys twice", parsed.duplicates),
    ):
        lines += [f"  {len(several):,} {what}, e.g. on {several[0].url}"] if several else []
    return lines
