"""The specs that docs/scraping.md shows are specs."""

import re
from pathlib import Path

import yaml

from scrapers.spec import PageKind, Politeness, Site
from scrapers.spec_fields import Field

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "scraping.md"


def test_its_examples_load() -> None:
    examples = re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    documents = [yaml.safe_load(text) for text in examples]
    whole = [Site.model_validate(each) for each in documents if "base_url" in each]
    assert [set(site.pages) for site in whole] == [{"lamp", "list"}, {"member", "list"}]
    (kind,) = (each for each in documents if "base_url" not in each)
    assert PageKind.model_validate(kind["quotes"]).rows is not None


def test_it_names_all_that_a_crawl_may_be_told() -> None:
    text = GUIDE.read_text()
    assert [key for key in Politeness.model_fields if f"`{key}`" not in text] == []


def test_it_names_every_way_to_find_a_text() -> None:
    text = GUIDE.read_text()
    keys = {field.alias or name for name, field in Field.model_fields.items()}
    assert [key for key in sorted(keys) if f"`{key}`" not in text and f"{key}:" not in text] == []
