"""Storages of studies: a journal, and a real PostgreSQL where one can be had."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.models.postgres import postgres, why_not


@pytest.fixture(params=["journal", "postgres"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "journal":
        yield str(tmp_path / "study.log")
        return
    reason = why_not()
    if reason:
        pytest.skip(reason)
    with postgres() as url:
        yield url
