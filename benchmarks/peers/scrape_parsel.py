"""How a careful user reads an item page with parsel: an expression a field, label tables in one go."""

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from scraping_site import KEY, label, names


def read(page: Any) -> dict[str, str]:
    """The record on a page, which is anything with parsel's css method."""
    found = {KEY: page.css("#key::text").get()}
    labelled = dict(
        zip(page.css("#pairs dt::text").getall(), page.css("#pairs dd::text").getall(), strict=True)
    )
    rows = dict(zip(page.css("#rows th::text").getall(), page.css("#rows td::text").getall(), strict=True))
    for name in names()[1:]:
        if name[0] == "c":
            found[name] = page.css(f".{name}::text").get()
        elif name[0] == "a":
            found[name] = page.css(f".{name}::attr(data-value)").get()
        elif name[0] == "s":
            found[name] = page.css(f"p.{name} b::text").get()
        else:
            found[name] = (labelled if name[0] == "d" else rows)[label(name)]
    return found
