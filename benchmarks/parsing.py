"""What reading a page costs: ours beside BeautifulSoup, parsel and selectolax, in CPU milliseconds a page.

    python benchmarks/parsing.py [--pages 200] [--rounds 3]

The pages are those of benchmarks/scraping_site.py (81 fields, 15 to 35 kB). The first table is reading alone,
with the texts compared; the second is from a WARC file to records, as the stage `parse` does it, against
BeautifulSoup for everything; the third is one CSS selector and one XPath on a parsed page of the embedded
site, and that site's own spec (typed values). `parse_vs_beautifulsoup` is how many times the CPU time
BeautifulSoup takes from the same WARC. Figures are medians over rounds.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from bs4 import BeautifulSoup

from scrapers.extract import KindReader
from scrapers.fetched import Fetched
from scrapers.page import Page
from scrapers.parse import parse
from scrapers.records import read_page
from scrapers.spec import PageKind, Site, load_site
from scrapers.warc import PageWriter, read_pages
from scrapers.warc_records import pack_exchange

sys.path.insert(0, str(Path(__file__).parent / "peers"))
sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))
from machine import machine
from scraping_site import KEY, detail, names, record

from demo.sales import read_homes
from demo.site import Site as DemoSite

HERE = Path(__file__).parent
BASE = "http://127.0.0.1:1"
HEADERS = (("Content-Type", "text/html; charset=utf-8"),)
# Untyped, as the peers are: each is a script by itself.
field, read_soup = import_module("scrape_millrace").field, import_module("scrape_soup").read
SLOW_PAGES = 20  # for BeautifulSoup, which takes fifty times as long
Reader = Callable[[bytes], dict[str, str | None]]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pages", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(machine())
    pages = [detail(number).encode() for number in range(options.pages)]
    found = {f"{name}_ms": alone(name, reader, pages, options.rounds) for name, reader in readers().items()}
    found |= from_warc(pages, options.rounds)
    found |= on_the_demo(options.rounds)
    print(json.dumps({name: round(value, 3) for name, value in found.items()}))


def readers() -> dict[str, Reader]:
    """Those that are installed, each from bytes to a record."""
    kind = KindReader(site().pages["item"])
    found: dict[str, Reader] = {
        "millrace": lambda html: kind.read(Page(f"{BASE}/items/1", html, HEADERS[0][1]))[0],
        "beautifulsoup": lambda html: read_soup(BeautifulSoup(html, "lxml")),
    }
    if find_spec("selectolax"):
        found["selectolax"] = import_module("scrape_lexbor").read
    if find_spec("parsel"):
        read, selector = import_module("scrape_parsel").read, import_module("parsel").Selector
        found["parsel"] = lambda html: read(selector(html.decode()))
    else:
        print("parsel         not installed: pip install parsel")
    return found


def alone(name: str, reader: Reader, pages: list[bytes], rounds: int) -> float:
    """Reading alone: from a page's bytes to its texts."""
    some = pages[:SLOW_PAGES] if name == "beautifulsoup" else pages
    wrong = sum(reader(page) != record(number) for number, page in enumerate(some))
    figure = median(lambda: [reader(page) for page in some], rounds, len(some))
    print(f"{name:14} {figure:7.2f} ms of CPU a page, {wrong} of {len(some)} wrong", flush=True)
    return figure


def site() -> Site:
    """The spec of the pages."""
    item = {"url": "^/items/", "fields": {name: field(name) for name in names()}}
    spec = {"name": "bench", "base_url": BASE, "start": ["/items/0"], "key": KEY, "pages": {"item": item}}
    return Site.model_validate(spec)


def median(work: Callable[[], object], rounds: int, pages: int) -> float:
    """CPU milliseconds a page of this process, the median over rounds."""
    found = []
    for _ in range(rounds):
        began = time.process_time()
        work()
        found.append((time.process_time() - began) * 1000 / pages)
    return statistics.median(found)


def from_warc(pages: list[bytes], rounds: int) -> dict[str, float]:
    """The whole of parse, from a WARC file to records, against BeautifulSoup for everything."""
    with tempfile.TemporaryDirectory() as folder:
        warc, small = Path(folder) / "pages.warc.gz", Path(folder) / "small.warc.gz"
        archive(warc, pages)
        archive(small, pages[:SLOW_PAGES])
        spec = site()
        ours = median(lambda: parse(spec, warc, workers=1, progress=False), rounds, len(pages))
        stored = median(lambda: list(read_pages(warc)), rounds, len(pages))
        soup = median(lambda: with_soup(small), rounds, min(SLOW_PAGES, len(pages)))
    print(f"from a WARC: {ours:.2f} ms of CPU a page (the file alone {stored:.2f}), BeautifulSoup {soup:.2f}")
    return {"parse_ms": ours, "warc_ms": stored, "parse_vs_beautifulsoup": soup / ours}


def archive(path: Path, pages: list[bytes]) -> None:
    """The pages as a crawl leaves them."""
    with PageWriter(path, {"site": "bench"}) as writer:
        for number, body in enumerate(pages):
            url = f"{BASE}/items/{number}"
            fetched = Fetched(url, status=200, reason="OK", headers=HEADERS, body=body, content=body)
            writer.append(pack_exchange(fetched).data)


def with_soup(warc: Path) -> list[dict[str, str]]:
    """The records of a WARC, read with BeautifulSoup."""
    return [read_soup(BeautifulSoup(page.content, "lxml")) for page in read_pages(warc)]


def on_the_demo(rounds: int) -> dict[str, float]:
    """One CSS selector and one XPath on a parsed page, and the embedded site's own spec."""
    spec = load_site(HERE.parent / "scrapers" / "sites" / "ames.yaml")
    homes = read_homes(200)
    shown = DemoSite(homes, spec.base_url)
    pages = [(f"{spec.base_url}/homes/{home.pid}", shown.home_page(home.pid).encode()) for home in homes]
    reader = KindReader(spec.pages["home"])
    typed = median(
        lambda: [read_page(Page(url, body, HEADERS[0][1]), "home", reader, spec) for url, body in pages],
        rounds,
        len(pages),
    )
    fields = len(spec.pages["home"].fields)
    print(f"the embedded site: {typed:.2f} ms of CPU a page of {fields} typed fields")
    css, xpath = (
        selector_us(way, pages[0], rounds)
        for way in ({"css": ".sum .price"}, {"xpath": "//p[@class='sum']/span"})
    )
    print(f"one CSS selector {css:.1f} us, one XPath {xpath:.1f} us, on a page that is parsed")
    return {"demo_ms": typed, "css_us": css, "xpath_us": xpath, "css_vs_xpath": css / xpath}


def selector_us(way: dict[str, str], page: tuple[str, bytes], rounds: int) -> float:
    """Microseconds of one more field on a page whose tree and index are there."""
    kind = PageKind.model_validate({"url": "^/", "fields": {"x": way | {"type": "text"}}})
    reader, parsed = KindReader(kind), Page(page[0], page[1], HEADERS[0][1])
    reader.read(parsed)
    return median(lambda: [reader.read(parsed) for _ in range(2000)], rounds, 2000) * 1000


if __name__ == "__main__":
    main()
