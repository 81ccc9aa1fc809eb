"""crawlee's ParselCrawler, politeness off: `scrape_crawlee.py URL CONCURRENCY OUT`."""

import asyncio
import json
import logging
import sys
from datetime import timedelta
from pathlib import Path

from crawlee import ConcurrencySettings
from crawlee.crawlers import ParselCrawler, ParselCrawlingContext
from crawlee.storage_clients import MemoryStorageClient

sys.path.insert(0, str(Path(__file__).parent))
from scrape_parsel import read


async def main(base: str, concurrency: int, out: Path) -> None:
    """Crawl the site."""
    crawler = ParselCrawler(
        concurrency_settings=ConcurrencySettings(
            min_concurrency=concurrency, desired_concurrency=concurrency, max_concurrency=concurrency
        ),
        storage_client=MemoryStorageClient(),
        request_handler_timeout=timedelta(seconds=60),
        configure_logging=False,
    )
    with out.open("w") as file:

        @crawler.router.default_handler
        async def handle(context: ParselCrawlingContext) -> None:
            if "/items/" in context.request.url:
                file.write(json.dumps(read(context.selector)) + "\n")
            else:
                await context.enqueue_links(selector="li.item a")
                await context.enqueue_links(selector="a.next")

        await crawler.run([f"{base}/list"])


logging.disable(logging.WARNING)
asyncio.run(main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))
