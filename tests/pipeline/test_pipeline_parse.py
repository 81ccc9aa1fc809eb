"""The stage parse: its report holds every field's health, and the next run is held to it."""

import json
from pathlib import Path

import pandas as pd
import pytest
import yaml

from pipeline.parse import main
from scrapers.errors import SelectorError
from scrapers.fetched import Fetched
from scrapers.warc import PageWriter
from scrapers.warc_records import pack_exchange

BASE = "http://homes.example"
SPEC = {
    "name": "homes",
    "base_url": BASE,
    "start": ["/homes/0"],
    "key": "pid",
    "pages": {
        "home": {
            "url": "^/homes/",
            "fields": {
                "pid": {"in_url": r"(\d+)$", "type": "text", "required": True},
                "price": {"css": ".price", "type": "money", "unit": "USD"},
            },
        }
    },
}
HEADERS = (("Content-Type", "text/html; charset=utf-8"),)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "site.yaml").write_text(yaml.safe_dump(SPEC))
    return tmp_path


def run(folder: Path, *, without: int = 0) -> None:
    """Archive twelve pages, of which some have no price, and parse them."""
    warc = folder / "pages.warc.gz"
    warc.unlink(missing_ok=True)
    with PageWriter(warc, {"site": "homes"}) as writer:
        for number in range(12):
            body = b"<p>sold" if number < without else b"<p class=price>$%d,000" % (number + 1)
            fetched = Fetched(f"{BASE}/homes/{number}", status=200, reason="OK", headers=HEADERS, body=body)
            writer.append(pack_exchange(fetched).data)
    main(folder / "site.yaml", warc, folder / "records.parquet", folder / "parse.json")


def test_a_field_that_falls_fails_the_stage_and_leaves_the_last_good_table(folder: Path) -> None:
    run(folder)
    report = json.loads((folder / "parse.json").read_text())
    assert report["health"]["home"]["price"] == {"fill": 1.0, "rejected": 0.0, "distinct": 12}
    with pytest.raises(SelectorError, match="fallen from 100% of the records in the last run to 25%"):
        run(folder, without=9)
    assert json.loads((folder / "parse.json").read_text()) == report
    assert pd.read_parquet(folder / "records.parquet")["price"].notna().all()
    run(folder, without=4)
    assert json.loads((folder / "parse.json").read_text())["fill"]["price"] == pytest.approx(8 / 12)


def test_another_site_is_not_compared(folder: Path) -> None:
    run(folder)
    (folder / "site.yaml").write_text(yaml.safe_dump(SPEC | {"name": "other"}))
    run(folder, without=9)
    assert json.loads((folder / "parse.json").read_text())["site"] == "other"
