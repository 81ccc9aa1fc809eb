"""Stage parse: archived pages + site spec -> typed records.

Pure: a mended selector reruns without the network.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.columns import site_fields
from pipeline.files import read_json, write_json, write_parquet
from pipeline.params import PARAMS_FILE, read_params
from pipeline.stage import run
from scrapers.errors import ScrapeError
from scrapers.health import Health, as_report, from_report
from scrapers.parse import Parsed, parse
from scrapers.spec import Site, load_site
from scrapers.spec_fields import Field

TEXT = {"text", "category", "date", "url"}


def main(site: Path, warc: Path, records: Path, report: Path, params: Path = PARAMS_FILE) -> None:
    """Parse the pages in the archive WARC as SITE says into the table RECORDS and the counts in REPORT."""
    spec = load_site(site)
    parsed = parse(spec, warc, last=last_health(report, spec), workers=read_params(params).parse.workers)
    write_parquet(records, records_frame(spec, parsed.records))
    write_json(report, report_of(spec, parsed))


def report_of(site: Site, parsed: Parsed) -> dict[str, Any]:
    """What is counted of a site's records."""
    return {
        "site": site.name,
        "records": len(parsed.records),
        "pages": parsed.pages,
        "fill": parsed.fill,
        "health": as_report(parsed.health),
        "unread": {kind: asdict(left) for kind, left in parsed.unread.items()},
        "unjoined": parsed.unjoined,
        "duplicates": [asdict(one) for one in parsed.duplicates],
        "rejected": [asdict(one) for one in parsed.rejected],
    }


def last_health(report: Path, site: Site) -> dict[str, dict[str, Health]]:
    """What the last good run of this site reported; empty when there was none."""
    last = read_json(report) if report.exists() else {}
    return from_report(last) if last.get("site") == site.name else {}


def records_frame(site: Site, records: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    """The records as a table whose column types follow from the spec, not from the values."""
    fields = site_fields(site)
    columns: dict[str, list[object]] = {name: [] for name in (records[0] if records else ())}
    for record in records:
        for name, values in columns.items():
            values.append(record[name])
    frame = pd.DataFrame(columns)
    types = {name: _dtype(fields.get(name)) for name in frame.columns}
    return frame.astype(types)


def _dtype(field: Field | None) -> str:
    """The pandas type of a field; one that the spec does not name is our own url."""
    if field is None or field.type in TEXT:
        return "object"
    return "boolean" if field.type == "flag" else "float64"


if __name__ == "__main__":
    run(main, ScrapeError)
