"""Stage crawl: site spec -> archived pages. The only stage that reaches out."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from pipeline.errors import InputError
from pipeline.stage import run
from scrapers.crawl import crawl
from scrapers.errors import ScrapeError
from scrapers.spec import load_site

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def main(
    site: Path,
    pages: Path,
    since: Annotated[
        str | None,
        typer.Option(
            help="Do not ask again for pages had since then: 30m, 12h, 3d, or a date (ISO 8601, UTC)."
        ),
    ] = None,
) -> None:
    """Crawl SITE, a site spec, into the folder PAGES (pages.warc.gz, crawl.sqlite and crawl.json).

    Run again, it goes on where it was interrupted; after a whole crawl it asks only for what has changed.
    """
    moment = None if since is None else since_when(since, datetime.now(UTC))
    print(crawl(load_site(site), pages, since=moment).to_text())


def since_when(text: str, now: datetime) -> datetime:
    """The moment that `--since` names. Raises InputError when it names none."""
    ago = re.fullmatch(r"(\d{1,6})([mhd])", text)
    if ago is not None:
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            f"--since: expected 30m, 12h, 3d or a date such as {now:%Y-%m-%d}, got {text!r}"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


if __name__ == "__main__":
    run(main, ScrapeError)
