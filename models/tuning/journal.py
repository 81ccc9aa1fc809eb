"""The file that holds a study: Optuna's journal, mended after a kill and locked by its writer."""

import fcntl
from pathlib import Path
from typing import IO

from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal._file import BaseJournalFileLock


class ProcessLock(BaseJournalFileLock):
    """A lock that the system takes back when its process dies.

    Optuna's lock files outlive a killed process: the next one waits half a minute for them to grow stale.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None

    def acquire(self) -> bool:
        """Wait for the lock."""
        self._file = self._path.open("ab")
        fcntl.flock(self._file, fcntl.LOCK_EX)
        return True

    def release(self) -> None:
        """Give the lock back: closing the file unlocks it."""
        if self._file is not None:
            self._file.close()
            self._file = None


def open_journal(path: Path) -> JournalStorage:
    """Open or create the journal at ``path``; a last line cut off by a kill is dropped."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    lock = ProcessLock(path.with_name(path.name + ".lock"))
    lock.acquire()
    try:
        _drop_torn_line(path)
    finally:
        lock.release()
    return JournalStorage(JournalFileBackend(str(path), lock_obj=lock))


def _drop_torn_line(path: Path) -> None:
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        with path.open("r+b") as file:
            file.truncate(whole)
