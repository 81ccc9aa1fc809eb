"""Locks that end with the process that holds them: who may claim a trial, and which worker is alive.

A file lock is the kernel's and an advisory lock the PostgreSQL session's: either is gone the moment its
holder is killed, so that nobody has to guess from clocks and heartbeats whether a worker still works.
"""

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Protocol

import sqlalchemy
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool


class Life(Protocol):
    """What a worker holds as long as it lives."""

    def renew(self) -> None:
        """Take the lock again where the connection that held it was lost."""


class Locks(Protocol):
    """The locks of one storage."""

    def alone(self, what: str) -> AbstractContextManager[None]:
        """Wait until nobody else is in a block of this name, anywhere."""

    def life(self, worker: str) -> AbstractContextManager[Life]:
        """Be alive as ``worker`` until the block or the process ends."""

    def lives(self, worker: str) -> bool:
        """Say whether a process is alive as ``worker``."""


class _Unending:
    def renew(self) -> None:
        """Do nothing: a file stays locked as long as the process lives."""


class FileLocks:
    """Locks as empty files in ``folder``, for the processes of one machine."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder

    @contextmanager
    def alone(self, what: str) -> Iterator[None]:
        """Lock the file of that name."""
        with self._path(what).open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @contextmanager
    def life(self, worker: str) -> Iterator[Life]:
        """Hold the worker's file, and remove it at the end."""
        path = self._path(worker)
        with path.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield _Unending()
            path.unlink(missing_ok=True)

    def lives(self, worker: str) -> bool:
        """Try to lock the worker's file; one that can be locked belongs to a dead one and is removed."""
        path = self._path(worker)
        try:
            with path.open("rb") as file:
                return not _locked(file, path)
        except FileNotFoundError:
            return False

    def _path(self, name: str) -> Path:
        return self._folder / hashlib.sha256(name.encode()).hexdigest()[:16]


def _locked(file: IO[bytes], path: Path) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    path.unlink(missing_ok=True)
    return True


class PostgresLocks:
    """Advisory locks of sessions. A pool between here and the server that shares sessions breaks them.

    A machine that vanishes without closing its connection counts as dead after a minute.
    """

    def __init__(self, url: str) -> None:
        keepalive = "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"
        self._engine = sqlalchemy.create_engine(
            url, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args={"options": keepalive}
        )

    @contextmanager
    def alone(self, what: str) -> Iterator[None]:
        """Hold the lock of that name for a session of its own."""
        with self._engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _key(what)})
            yield

    @contextmanager
    def life(self, worker: str) -> Iterator[Life]:
        """Hold the worker's lock for a session that lasts as long as the worker."""
        held = _Session(self._engine, _key(worker))
        try:
            yield held
        finally:
            held.close()

    def lives(self, worker: str) -> bool:
        """Try to take the worker's lock."""
        with self._engine.connect() as connection:
            took = connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": _key(worker)})
            return not took.scalar_one()


class _Session:
    def __init__(self, engine: Engine, key: int) -> None:
        self._engine, self._key = engine, key
        self._connection = self._connect()

    def renew(self) -> None:
        try:
            self._connection.execute(text("SELECT 1"))
        except DBAPIError:
            self.close()
            self._connection = self._connect()

    def close(self) -> None:
        self._connection.invalidate()
        self._connection.close()

    def _connect(self) -> Connection:
        connection = self._engine.connect()
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": self._key})
        return connection


def _key(name: str) -> int:
    """The 64 signed bits that name an advisory lock."""
    return int.from_bytes(hashlib.sha256(f"millrace/{name}".encode()).digest()[:8], signed=True)
