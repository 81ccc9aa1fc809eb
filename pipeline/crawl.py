"""Stage crawl: site spec -> archived pages. The only stage that reaches out."""

from datetime import UTC, datetime
from pathlib import Path

from pipeline.since import Since, since_when
from pipeline.stage import run
from scrapers.crawl import crawl
from scrapers.errors import ScrapeError
from scrapers.spec import load_site


def main(site: Path, pages: Path, since: Since = None) -> None:
    """Crawl SITE, a site spec, into the folder PAGES (pages.warc.gz, crawl.sqlite and crawl.json).

    Run again, it goes on where it was interrupted; after a whole crawl it asks only for what has changed.
    """
    moment = since_when(since, datetime.now(UTC))
    print(crawl(load_site(site), pages, since=moment).to_text())


if __name__ == "__main__":
    run(main, ScrapeError)
