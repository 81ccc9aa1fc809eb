"""A Scrapy spider, politeness off: `scrape_scrapy.py URL CONCURRENCY OUT`."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import scrapy
from scrapy.crawler import CrawlerProcess

sys.path.insert(0, str(Path(__file__).parent))
from scrape_parsel import read


class Items(scrapy.Spider):
    """Follows the lists, reads the items."""

    name = "items"

    def __init__(self, base: str) -> None:
        super().__init__()
        self.start_urls = [f"{base}/list"]

    def parse(self, response: Any) -> Iterator[Any]:
        """A list page."""
        yield from response.follow_all(css="li.item a", callback=self.parse_item)
        yield from response.follow_all(css="a.next")

    def parse_item(self, response: Any) -> Iterator[dict[str, str]]:
        """An item page."""
        yield read(response)


process = CrawlerProcess(
    {
        "CONCURRENT_REQUESTS": int(sys.argv[2]),
        "CONCURRENT_REQUESTS_PER_DOMAIN": int(sys.argv[2]),
        "DOWNLOAD_DELAY": 0,
        "ROBOTSTXT_OBEY": False,
        "TELNETCONSOLE_ENABLED": False,
        "LOG_LEVEL": "ERROR",
        "FEEDS": {sys.argv[3]: {"format": "jsonlines"}},
    }
)
process.crawl(Items, base=sys.argv[1])
process.start()
