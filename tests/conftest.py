"""What tests of several rooms share."""

from pathlib import Path

import pytest

from tests.repository import command, small_repository


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small repository after one `dvc repro`."""
    folder = small_repository(tmp_path_factory.mktemp("repository"))
    command("dvc", "repro", cwd=folder)
    return folder
