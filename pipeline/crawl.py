"""Stage crawl: site spec -> archived pages. The only stage that reaches out."""

from pathlib import Path

from pipeline.stage import run
from scrapers.crawl import crawl
from scrapers.errors import ScrapeError
from scrapers.spec import load_site


def main(site: Path, pages: Path) -> None:
    """Crawl SITE, a site spec, into the folder PAGES (pages.warc.gz and crawl.json)."""
    crawl(load_site(site), pages)


if __name__ == "__main__":
    run(main, ScrapeError)
