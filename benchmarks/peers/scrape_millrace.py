"""Ours, all counted: fetched, archived, parsed: `scrape_millrace.py URL CONCURRENCY OUT`."""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from scrapers.scrape import scrape
from scrapers.spec import Site

sys.path.insert(0, str(Path(__file__).parents[1]))
from scraping_site import KEY, label, names


def field(name: str) -> dict[str, Any]:
    """Where a field stands, as the spec says it."""
    if name == KEY:
        return {"css": "#key", "type": "text", "required": True}
    if name[0] in "dt":
        # The labels stand in both tables.
        return {"label": label(name), "within": "#pairs" if name[0] == "d" else "#rows", "type": "text"}
    if name[0] == "a":
        return {"css": f".{name}", "attr": "data-value", "type": "text"}
    return {"css": f"p.{name} b" if name[0] == "s" else f".{name}", "type": "text"}


def main(base: str, concurrency: int, out: Path) -> None:
    """Crawl and parse the site."""
    site = Site.model_validate(
        {
            "name": "bench",
            "base_url": base,
            "start": ["/list"],
            "key": KEY,
            "crawl": {"concurrency": concurrency, "max_pages": 1_000_000},
            "pages": {
                "list": {"url": "^/list", "follow": [{"css": "li.item a"}, {"css": "a.next"}]},
                "item": {"url": "^/items/", "fields": {name: field(name) for name in names()}},
            },
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        parsed = scrape(site, Path(folder), progress=False).parsed
    with out.open("w") as file:
        file.writelines(json.dumps({name: each[name] for name in names()}) + "\n" for each in parsed.records)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
