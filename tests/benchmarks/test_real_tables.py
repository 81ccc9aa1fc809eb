import gzip
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def tables() -> dict[str, Any]:
    return runpy.run_path("benchmarks/real_tables.py")


def test_a_table_of_scikit_learn_needs_no_folder(tables: dict[str, Any], tmp_path: Path) -> None:
    table = tables["read_table"]("digits", tmp_path).first(300)
    X, X_test = table.encode()
    assert (len(X), X.shape[1]) == (300, 64)
    assert list(X.columns) == list(X_test.columns)
    assert set(table.truth(table.test)) == set("0123456789")
    assert table.target not in [column.name for column in table.columns]


def test_an_absent_file_is_named(tables: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"diamonds needs .*diamonds\.csv\.gz, which is absent: .*--data"):
        tables["read_table"]("diamonds", tmp_path)


def test_prices_are_learnt_as_logarithms_and_no_row_is_on_both_sides(
    tables: dict[str, Any], tmp_path: Path
) -> None:
    lines = ["price,size,town", *(f"{size * 1000},{size},{'ab'[size % 2]}" for size in range(1, 41))]
    (tmp_path / "diamonds.csv.gz").write_bytes(_packed("\n".join(lines)))
    table = tables["read_table"]("diamonds", tmp_path)
    assert (len(table.train), len(table.test)) == (28, 12)
    assert not set(table.train["size"]) & set(table.test["size"])
    assert [column.kind for column in table.columns] == ["number", "category"]
    assert table.truth(table.test).max() < 11


@pytest.mark.slow
def test_a_strange_table_is_named_before_anything_is_fitted() -> None:
    told = subprocess.run(
        [sys.executable, "benchmarks/quality.py", "--sets", "diamond"], capture_output=True, text=True
    )
    assert told.returncode == 2
    assert "got 'diamond'" in told.stderr


def _packed(text: str) -> bytes:
    return gzip.compress(text.encode())
