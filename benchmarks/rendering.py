"""The embedded site's neighbourhood pages, which scripts draw: by the crawl's browsers, and by one in a loop.

Starting the browsers counts. Rounds alternate; `pool_vs_loop` is the median over rounds of the loop's seconds
to the pool's, `start_s` that of what a browser takes to start. Both must come to the same pages.

    python benchmarks/rendering.py [--browsers 2] [--rounds 3] [--port 8139]
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tqdm import tqdm

from scrapers.browser import Browser
from scrapers.crawl import fetcher_of
from scrapers.extract import KindReader
from scrapers.frontier import Link
from scrapers.links import links
from scrapers.page import Page
from scrapers.partial import Partial, about
from scrapers.records import read_page
from scrapers.render import Renderer, allowed_hosts
from scrapers.robots import read_robots
from scrapers.server import running
from scrapers.spec import ROBOTS_PATH, Site, load_site
from scrapers.warc import PageWriter

sys.path.insert(0, str(Path(__file__).parent))
from machine import machine

KIND = "neighborhood"
SPEC = Path(__file__).parents[1] / "scrapers" / "sites" / "ames.yaml"
Drawn = dict[str, bytes]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--browsers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--port", type=int, default=8139)
    options = parser.parse_args()
    spec = load_site(SPEC)
    crawl = spec.crawl.model_copy(update={"browsers": options.browsers})
    site = spec.model_copy(update={"base_url": f"http://127.0.0.1:{options.port}", "crawl": crawl})
    print(machine())
    with running(site):
        pages = drawn_pages(site)
        rounds = [measure(site, pages) for _ in range(options.rounds)]
    ratio = statistics.median(loop / pool for loop, pool, _ in rounds)
    start_s = statistics.median(start for _, _, start in rounds)
    print(json.dumps({"pages": len(pages), "pool_vs_loop": round(ratio, 3), "start_s": round(start_s, 2)}))


def drawn_pages(site: Site) -> list[Link]:
    """The pages that the start page leads to and a browser has to draw."""
    with fetcher_of(site) as fetcher:
        start, rules = fetcher.get(site.start_urls[0]), fetcher.get(site.base_url + ROBOTS_PATH)
    robots = read_robots(rules.status, rules.content, site.crawl.user_agent)
    page = Page(start.url, start.content, start.header("content-type"))
    kind = site.pages[site.kind_of(start.url) or ""]
    found = links(page, kind, drop_query=site.crawl.drop_query)
    urls = [url for url in found if site.kind_of(url) == KIND and robots.allows(url)]
    return [Link(number, url, KIND) for number, url in enumerate(urls)]


def measure(site: Site, pages: list[Link]) -> tuple[float, float, float]:
    """Seconds by the loop, by the pool, and of the loop's browser to start."""
    began = time.monotonic()
    by_loop, start_s = loop(site, pages)
    loop_s, began = time.monotonic() - began, time.monotonic()
    by_pool = pool(site, pages)
    pool_s = time.monotonic() - began
    if records(site, by_loop) != records(site, by_pool):
        sys.exit("error: the pool's pages hold other records than the loop's")
    print(f"loop {loop_s:5.1f} s  pool {pool_s:5.1f} s  start of a browser {start_s:4.1f} s", flush=True)
    return loop_s, pool_s, start_s


def loop(site: Site, pages: list[Link]) -> tuple[Drawn, float]:
    """One page after the other in one browser; and the seconds that this took to start."""
    how = site.pages[KIND].browser
    assert how is not None
    began = time.monotonic()
    with Browser(user_agent=site.crawl.user_agent, hosts=allowed_hosts(site)) as browser:
        start_s = time.monotonic() - began
        drawn = {
            page.url: browser.render(page.url, wait_for=how.wait_for, scroll=how.scroll) for page in pages
        }
    return {url: html.encode() for url, html in drawn.items()}, start_s


def pool(site: Site, pages: list[Link]) -> Drawn:
    """As a crawl does it, written to an archive."""
    with tempfile.TemporaryDirectory() as folder, fetcher_of(site) as fetcher, tqdm(disable=True) as bar:
        partial = Partial(Path(folder), site)
        with Renderer(site, fetcher, partial) as renderer, PageWriter(partial.warc, about(site)) as writer:
            drawn = {link.url: html for link, html in renderer.render_all(pages, writer, bar)}
    failed = [str(html) for html in drawn.values() if not isinstance(html, bytes)]
    if failed:
        sys.exit(f"error: {failed[0]}")
    return {url: html for url, html in drawn.items() if isinstance(html, bytes)}


def records(site: Site, drawn: Drawn) -> dict[str, object]:
    """What is read on each page."""
    reader = KindReader(site.pages[KIND])
    pages = (Page(url, html, "text/html; charset=utf-8") for url, html in drawn.items())
    return {page.url: read_page(page, KIND, reader, site).records for page in pages}


if __name__ == "__main__":
    main()
