"""Where studies are kept: a journal file for the processes of one machine, PostgreSQL for many machines."""

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from optuna.storages import BaseStorage, RDBStorage, get_storage
from optuna.storages._cached_storage import _CachedStorage
from sqlalchemy.exc import SQLAlchemyError

from models.errors import StudyError
from models.tuning.journal import open_journal
from models.tuning.locks import FileLocks, Locks, PostgresLocks


@dataclass(frozen=True)
class Storage:
    """Optuna's storage, and the locks that workers on it share."""

    optuna: BaseStorage
    locks: Locks

    def close(self) -> None:
        """Give connections back."""
        if isinstance(self.optuna, _CachedStorage):
            self.optuna.remove_session()
            self.optuna._backend.engine.dispose()


def open_storage(where: str | Path) -> Storage:
    """Open or create the storage at ``where``: a path of a journal file, or ``postgresql://USER@HOST/DB``.

    Raises StudyError as ``server_url`` does, and for a server that does not answer.
    """
    url = server_url(where)
    return _journal(Path(where)) if url is None else _postgres(url)


def server_url(where: str | Path) -> str | None:
    """Return the URL of a PostgreSQL as SQLAlchemy takes it, with the driver's name; None for a path.

    Raises StudyError for SQLite, whose file takes one writer and waits, for a URL of another kind, and where
    the driver is not installed.
    """
    kind, is_url, rest = str(where).partition("://")
    base = kind.partition("+")[0]
    if not is_url:
        return None
    if base == "sqlite":
        raise StudyError(
            f"expected a journal file or postgresql://..., got {where}: SQLite is not for several processes; "
            "give a path such as study.log, which is as simple and takes many workers"
        )
    if base not in ("postgresql", "postgres"):
        raise StudyError(
            f"expected a path of a journal file or postgresql://USER@HOST/DATABASE, got {kind}://"
        )
    if find_spec("psycopg") is None:
        raise StudyError("expected the package psycopg for PostgreSQL: pip install 'millrace[postgres]'")
    return f"postgresql+psycopg://{rest}"


def absolute(where: str | Path) -> str | Path:
    """Return ``where`` as a process in another working folder finds it."""
    return where if "://" in str(where) else Path(where).absolute()


def identity(where: str | Path) -> str:
    """Tell a journal from one at the same path of another machine by what it begins with.

    Empty for none, and for a server, whose URL tells it.
    """
    if server_url(where) is not None or not Path(where).is_file():
        return ""
    with Path(where).open("rb") as journal:  # its first line names the process that wrote it
        return hashlib.sha256(journal.readline()).hexdigest()


def _journal(path: Path) -> Storage:
    return Storage(open_journal(path), FileLocks(path.with_name(path.name + ".locks")))


def _postgres(url: str) -> Storage:
    locks = PostgresLocks(url)
    try:
        # Two workers that start at once would both create the tables.
        with locks.alone("schema"):
            return Storage(get_storage(RDBStorage(url, engine_kwargs={"pool_pre_ping": True})), locks)
    except SQLAlchemyError as error:
        raise refused(error) from error


def refused(error: SQLAlchemyError) -> StudyError:
    """Say in one line why the server did not do what it was asked."""
    reason = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
    return StudyError(f"expected a PostgreSQL server that lets us in, got: {reason}; mend the storage's URL")
