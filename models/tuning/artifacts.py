"""Where a study's artifacts are kept for every machine that works on it: a folder, or PostgreSQL.

Both are stores as ``optuna.artifacts`` has them. A write is whole or has not happened, whenever it is killed.
"""

import io
import os
import shutil
from pathlib import Path
from typing import BinaryIO

import sqlalchemy
from optuna.artifacts import FileSystemArtifactStore
from optuna.artifacts.exceptions import ArtifactNotFound
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from models.tuning.locks import PostgresLocks
from models.tuning.storage import refused, server_url


def open_artifacts(where: str | Path) -> "FileArtifacts | PostgresArtifacts":
    """Open or create the artifacts in a folder, or in the database ``postgresql://USER@HOST/DB``.

    Raises StudyError as ``open_storage`` does.
    """
    url = server_url(where)
    return FileArtifacts(Path(where)) if url is None else PostgresArtifacts(url)


class FileArtifacts(FileSystemArtifactStore):
    """Artifacts as files of ``folder``; of one that machines share, if several work on the study."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(folder)

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        """Replace the artifact: Optuna's own store writes into the file, which a kill would tear."""
        path = self._get_filepath(artifact_id)
        beside = path.with_name(path.name + ".part")
        with beside.open("wb") as file:
            shutil.copyfileobj(content_body, file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)


class PostgresArtifacts:
    """Artifacts as rows of a table beside Optuna's own, 1 GB each at most."""

    def __init__(self, url: str) -> None:
        # No pool: minutes lie between two checkpoints, and a server's connections are few.
        self._engine = sqlalchemy.create_engine(url, poolclass=NullPool)
        table = text("CREATE TABLE IF NOT EXISTS millrace_artifacts (id text PRIMARY KEY, content bytea)")
        try:
            # Two workers that start at once would both create it.
            with PostgresLocks(url).alone("artifacts"), self._engine.begin() as connection:
                connection.execute(table)
        except SQLAlchemyError as error:
            raise refused(error) from error

    def open_reader(self, artifact_id: str) -> BinaryIO:
        """Return the artifact's bytes; raises ArtifactNotFound."""
        asked = text("SELECT content FROM millrace_artifacts WHERE id = :id")
        with self._engine.connect() as connection:
            content = connection.execute(asked, {"id": artifact_id}).scalar_one_or_none()
        if content is None:
            raise ArtifactNotFound(f"expected the artifact {artifact_id} in the database, it is not there")
        return io.BytesIO(content)

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        """Replace the artifact."""
        put = text(
            "INSERT INTO millrace_artifacts VALUES (:id, :content) "
            "ON CONFLICT (id) DO UPDATE SET content = EXCLUDED.content"
        )
        with self._engine.begin() as connection:
            connection.execute(put, {"id": artifact_id, "content": content_body.read()})

    def remove(self, artifact_id: str) -> None:
        """Remove the artifact; raises ArtifactNotFound."""
        gone = text("DELETE FROM millrace_artifacts WHERE id = :id")
        with self._engine.begin() as connection:
            if connection.execute(gone, {"id": artifact_id}).rowcount == 0:
                raise ArtifactNotFound(
                    f"expected the artifact {artifact_id} in the database, it is not there"
                )
