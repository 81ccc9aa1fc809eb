"""aiohttp and selectolax, written by hand: `scrape_aiohttp.py URL CONCURRENCY OUT`."""

import asyncio
import json
import sys
from pathlib import Path

import aiohttp

sys.path.insert(0, str(Path(__file__).parent))
from scrape_lexbor import links, read


async def main(base: str, concurrency: int, out: Path) -> None:
    """Crawl the site with so many workers on one queue."""
    queue: asyncio.Queue[str] = asyncio.Queue()
    queue.put_nowait("/list")
    connector = aiohttp.TCPConnector(limit=concurrency)
    async with aiohttp.ClientSession(base, connector=connector) as session:
        with out.open("w") as file:

            async def work() -> None:
                while True:
                    path = await queue.get()
                    async with session.get(path) as response:
                        html = await response.read()
                    if path.startswith("/items/"):
                        file.write(json.dumps(read(html)) + "\n")
                    else:
                        items, more = links(html)
                        for each in items + ([more] if more else []):
                            queue.put_nowait(each)
                    queue.task_done()

            workers = [asyncio.create_task(work()) for _ in range(concurrency)]
            await queue.join()
            for worker in workers:
                worker.cancel()


asyncio.run(main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))
