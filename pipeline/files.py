"""Files of the chain: read with a clear error, written whole or not at all.

Every write goes to a temporary name beside its target and is renamed when it is complete, so that a stage
killed at any moment leaves either the old output or the new one.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from pipeline.errors import InputError


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`, renamed to it when the block ends well and removed when it does not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    try:
        yield fresh
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A temporary folder beside `path` that takes its place when the block ends well.

    What an earlier run that was killed has left beside `path` is removed. A kill between the two renames
    at the end leaves no `path`, and the stage runs again.
    """
    fresh, old = (path.with_name(f".{path.name}.{kind}") for kind in ("new", "old"))
    for left in (fresh, old):
        shutil.rmtree(left, ignore_errors=True)
    fresh.mkdir(parents=True)
    try:
        yield fresh
        if path.exists():
            path.rename(old)
        fresh.rename(path)
    finally:
        if old.exists() and not path.exists():
            old.rename(path)
        for left in (fresh, old):
            shutil.rmtree(left, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text."""
    with whole_file(path) as fresh:
        fresh.write_text(text, encoding="utf-8")


def write_json(path: Path, data: Any) -> None:
    """Write JSON that a person can read; NaN and infinity are refused, as JSON does."""
    write_text(path, json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_parquet(path: Path, frame: pd.DataFrame) -> None:
    """Write a table as Parquet, without its index."""
    with whole_file(path) as fresh:
        frame.to_parquet(fresh, index=False)


def write_csv(path: Path, frame: pd.DataFrame) -> None:
    """Write a table as CSV, without its index."""
    with whole_file(path) as fresh:
        frame.to_csv(fresh, index=False, lineterminator="\n")


def write_jsonl(path: Path, frame: pd.DataFrame) -> None:
    """Write a table as lines of JSON, one object a row."""
    with whole_file(path) as fresh:
        frame.to_json(fresh, orient="records", lines=True, force_ascii=False)


def read_json(path: Path) -> Any:
    """Read JSON. Raises InputError when the file is absent or torn."""
    try:
        return json.loads(_present(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path} is not JSON ({error}): run the stage that writes it again") from error


def read_yaml(path: Path) -> Any:
    """Read YAML. Raises InputError when the file is absent or no YAML."""
    try:
        return yaml.safe_load(_present(path).read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise InputError(f"{path} is not YAML ({error}): run the stage that writes it again") from error


def read_parquet(path: Path) -> pd.DataFrame:
    """Read a Parquet table. Raises InputError when the file is absent or torn."""
    try:
        return pd.read_parquet(_present(path))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is not whole Parquet: run the stage that writes it again") from error


def read_csv(path: Path) -> pd.DataFrame:
    """Read a CSV table, its texts as they stand. Raises InputError when the file is absent or torn."""
    try:
        return pd.read_csv(_present(path), keep_default_na=False)
    except ValueError as error:
        raise InputError(f"{path} is no CSV table: run the stage that writes it again") from error


def _present(path: Path) -> Path:
    if not path.is_file():
        raise InputError(f"{path} is not there: run the stages before this one (`dvc repro` does)")
    return path
