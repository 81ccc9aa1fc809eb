"""A file of settings that is looked at again and again, and read anew when it has changed."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from serving.errors import StartError

log = logging.getLogger(__name__)
T = TypeVar("T")


class Watched(Generic[T]):
    """What `read` makes of the file at `path`, as `value`. `what` names it in the log.

    Raises the StartError of `read`.
    """

    def __init__(self, path: Path, read: Callable[[Path], T], what: str) -> None:
        self._path, self._read, self._what = path, read, what
        self._seen = self._look()
        self.value = read(path)

    def refresh(self) -> None:
        """Read the file again where it has changed; a broken one is reported and changes nothing."""
        before, self._seen = self._seen, self._look()
        if before == self._seen:
            return
        try:
            self.value = self._read(self._path)
        except StartError as error:
            log.warning("%s stays as it was: %s", self._what, error)
        else:
            log.info("%s is as %s has it now", self._what, self._path)

    def _look(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size
