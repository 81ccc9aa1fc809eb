"""The file that holds a study: Optuna's journal, mended after a kill and locked by its writer."""

import fcntl
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal._file import BaseJournalFileLock, get_lock_file
from optuna.trial import TrialState

ENDED = {state.value for state in TrialState if state.is_finished()}
"""States in an entry after which the file is on the disk, with all that was written before."""


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


class Journal(JournalFileBackend):
    """Optuna's journal file, made to last at a trial's end.

    A killed process loses nothing that it wrote. A machine that loses its power may lose what was written
    since a trial last ended, and that part runs again. Optuna's own waits for the disk at every entry, which
    was three quarters of what a trial cost beside its training (``benchmarks/hpo.py``, ``overhead_ms``).
    """

    def append_logs(self, logs: Iterable[Mapping[str, Any]]) -> None:
        """Append entries, each a line of JSON."""
        entries = list(logs)
        lines = "".join(json.dumps(entry, separators=(",", ":")) + "\n" for entry in entries)
        with get_lock_file(self._lock), Path(self._file_path).open("ab") as file:
            file.write(lines.encode())
            file.flush()
            if any(entry.get("state") in ENDED for entry in entries):
                os.fsync(file.fileno())


def open_journal(path: Path) -> JournalStorage:
    """Open or create the journal at ``path``; a last line cut off by a kill is dropped."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    lock = ProcessLock(path.with_name(path.name + ".lock"))
    with get_lock_file(lock):
        _drop_torn_line(path)
    return JournalStorage(Journal(str(path), lock_obj=lock))


def _drop_torn_line(path: Path) -> None:
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        with path.open("r+b") as file:
            file.truncate(whole)
