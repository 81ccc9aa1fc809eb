"""A pool of threads, requests and lxml, written by hand: `scrape_threads.py URL CONCURRENCY OUT`."""

import json
import sys
import threading
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

import requests
from lxml import etree, html

sys.path.insert(0, str(Path(__file__).parents[1]))
from scraping_site import KEY, label, names

own = threading.local()


def _expression(name: str) -> str:
    if name == KEY:
        return "//*[@id='key']/text()"
    if name[0] == "c":
        return f"//span[contains(concat(' ', @class, ' '), ' {name} ')]/text()"
    if name[0] == "a":
        return f"//i[contains(concat(' ', @class, ' '), ' {name} ')]/@data-value"
    if name[0] == "s":
        return f"//p[contains(concat(' ', @class, ' '), ' {name} ')]/b/text()"
    if name[0] == "d":
        return f"//dl[@id='pairs']//dt[. = '{label(name)}']/following-sibling::dd/text()"
    return f"//table[@id='rows']//th[. = '{label(name)}']/following-sibling::td/text()"


EXPRESSIONS = {name: etree.XPath(_expression(name)) for name in names()}


def fetch(url: str) -> tuple[list[str], dict[str, str]]:
    """The links of a list page, or the record of an item page."""
    if not hasattr(own, "session"):
        own.session = requests.Session()
        own.session.trust_env = False
    tree = html.fromstring(own.session.get(url, timeout=30).content)
    if "/items/" in url:
        return [], {name: find(tree)[0] for name, find in EXPRESSIONS.items()}
    return tree.xpath("//li[@class='item']/a/@href | //a[@class='next']/@href"), {}


def main(base: str, concurrency: int, out: Path) -> None:
    """Crawl the site."""
    with ThreadPoolExecutor(concurrency) as pool, out.open("w") as file:
        coming: set[Future[tuple[list[str], dict[str, str]]]] = {pool.submit(fetch, f"{base}/list")}
        while coming:
            done, coming = wait(coming, return_when=FIRST_COMPLETED)
            for each in done:
                links, record = each.result()
                coming |= {pool.submit(fetch, base + link) for link in links}
                if record:
                    file.write(json.dumps(record) + "\n")


main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
