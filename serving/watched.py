"""A file that is looked at again and again, and read anew when it has changed."""

from pathlib import Path


class Watched:
    """Tells, each time it is asked, whether the file is another one than when it was asked last."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen = self._look()

    def has_changed(self) -> bool:
        """Whether it has, by its time and size."""
        before, self._seen = self._seen, self._look()
        return before != self._seen

    def _look(self) -> tuple[int, int] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size
