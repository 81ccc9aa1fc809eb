"""The specs that docs/scraping.md shows are specs."""

import re
from pathlib import Path

import yaml

from scrapers.spec import PageKind, Site
from scrapers.spec_fields import Field

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "scraping.md"


def test_its_examples_load() -> None:
    site, kind = (
        yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    )
    assert set(Site.model_validate(site).pages) == {"lamp", "list"}
    assert PageKind.model_validate(kind["quotes"]).rows is not None


def test_it_names_every_way_to_find_a_text() -> None:
    text = GUIDE.read_text()
    keys = {field.alias or name for name, field in Field.model_fields.items()}
    assert [key for key in sorted(keys) if f"`{key}`" not in text and f"{key}:" not in text] == []
