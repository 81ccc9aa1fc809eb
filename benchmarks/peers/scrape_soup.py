"""requests and BeautifulSoup, one page after the other: `scrape_soup.py URL CONCURRENCY OUT`."""

import json
import sys
from pathlib import Path

import requests
from bs4 import BeautifulSoup

sys.path.insert(0, str(Path(__file__).parents[1]))
from scraping_site import KEY, label, names


def read(soup: BeautifulSoup) -> dict[str, str]:
    """The record on a page."""
    labelled = _table(soup, "#pairs dt", "#pairs dd")
    rows = _table(soup, "#rows th", "#rows td")
    found = {KEY: soup.select_one("#key").text}
    for name in names()[1:]:
        if name[0] == "c":
            found[name] = soup.select_one(f".{name}").text
        elif name[0] == "a":
            found[name] = soup.select_one(f".{name}")["data-value"]
        elif name[0] == "s":
            found[name] = soup.select_one(f"p.{name} b").text
        else:
            found[name] = (labelled if name[0] == "d" else rows)[label(name)]
    return found


def _table(soup: BeautifulSoup, keys: str, values: str) -> dict[str, str]:
    return {key.text: value.text for key, value in zip(soup.select(keys), soup.select(values), strict=True)}


def main(base: str, out: Path) -> None:
    """Crawl the site."""
    session = requests.Session()
    session.trust_env = False
    queue = ["/list"]
    with out.open("w") as file:
        for path in queue:
            soup = BeautifulSoup(session.get(base + path, timeout=30).content, "lxml")
            if path.startswith("/items/"):
                file.write(json.dumps(read(soup)) + "\n")
            else:
                queue += [each["href"] for each in soup.select("li.item a, a.next")]


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[3]))
