"""`millrace scrape`: a spec to a table, in one command."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipeline.errors import InputError
from pipeline.scrape import main
from tests.scrapers.conftest import LocalSite

SPEC = {
    "name": "shop",
    "start": ["/list"],
    "key": "pid",
    "pages": {
        "list": {"url": "^/list", "follow": [{"xpath": "//li/a"}, {"css": "a.next"}]},
        "home": {
            "url": "^/homes/",
            "fields": {
                "pid": {"css": "[itemprop=sku]", "type": "text", "required": True},
                "price": {"css": ".price", "type": "money", "unit": "USD"},
                "note": {"css": ".note", "type": "text"},
            },
        },
    },
}


@pytest.fixture
def web() -> Iterator[LocalSite]:
    site = LocalSite()
    yield site
    site.close()


@pytest.fixture
def spec(web: Any, tmp_path: Path) -> Path:
    web.fill(12)
    web.page("/homes/3", web.home(3, extra='<p class=note>Å, "quoted"</p>'))
    path = tmp_path / "shop.yaml"
    path.write_text(json.dumps({**SPEC, "base_url": web.url}))
    return path


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_a_table_by_its_ending(spec: Path, tmp_path: Path, ending: str, capsys: Any) -> None:
    out = tmp_path / f"homes{ending}"
    main(spec, out)
    read: dict[str, Any] = {
        ".csv": lambda: pd.read_csv(out, dtype={"pid": str}),
        ".jsonl": lambda: pd.read_json(out, lines=True, dtype={"pid": str}),
        ".parquet": lambda: pd.read_parquet(out),
    }
    table = read[ending]()
    assert table["pid"].tolist() == [f"{number:04d}" for number in range(12)]
    assert table["price"].tolist() == [100_000 + number for number in range(12)]
    assert table["note"].dropna().tolist() == ['Å, "quoted"']
    said = capsys.readouterr().out
    assert f"{out}: 12 records of 3 fields" in said
    assert "note: missing in 11" in said
    assert sorted(path.name for path in (tmp_path / "homes-pages").iterdir()) == [
        "crawl.json",
        "crawl.sqlite",
        "pages.warc.gz",
        "records.json",
    ]


def test_another_ending_is_refused_before_anything_is_asked_for(web: Any, spec: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected a name that ends in \.csv, \.jsonl, \.parquet"):
        main(spec, tmp_path / "homes.xls")
    assert not web.requests


def test_the_command_and_its_second_run(web: Any, spec: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pipeline.cli", "scrape", str(spec), str(tmp_path / "homes.csv")]
    for _ in range(2):
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert "homes.csv: 12 records" in done.stdout
    before = (tmp_path / "homes.csv").read_bytes()
    for number in range(12):
        web.page(f"/homes/{number}", "<h1>another template</h1>")
    failed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert failed.returncode == 1
    assert "has fallen from 100% of the records in the last run to 0%" in failed.stderr.splitlines()[-1]
    assert (tmp_path / "homes.csv").read_bytes() == before
