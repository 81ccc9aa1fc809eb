"""Storages of studies: a journal, and a real PostgreSQL where one can be had."""

from collections.abc import Iterator

import optuna
import pytest

from models.tuning.storage import open_storage
from tests.models.postgres import postgres, why_not


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    reason = why_not()
    if reason:
        pytest.skip(reason)
    with postgres() as url:
        yield url


@pytest.fixture(params=["journal", "postgres"])
def storage(request, tmp_path) -> str:
    """A storage without studies."""
    if request.param == "journal":
        return str(tmp_path / "study.journal")
    url = request.getfixturevalue("server")
    optuna_storage = open_storage(url)
    for name in optuna.get_all_study_names(optuna_storage.optuna):
        optuna.delete_study(study_name=name, storage=optuna_storage.optuna)
    optuna_storage.close()
    return url
