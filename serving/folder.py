"""What lies in a folder of models, and whether it has changed since the last look."""

from pathlib import Path

Key = tuple[str, int]
"""A model's name and version."""
Signature = tuple[tuple[str, int, int, int], ...]
"""Each file of a version: path, size in bytes, time of its last change in nanoseconds, number on the disk."""


def version_folders(folder: Path) -> dict[Key, Path]:
    """The version folders under `folder`, by name and number."""
    return {
        (path.parent.name, int(path.name)): path
        for path in sorted(folder.glob("[!.]*/[1-9]*"))
        if path.is_dir() and path.name.isascii() and path.name.isdecimal() and len(path.name) <= 9
    }


def signature(folder: Path) -> Signature:
    """What changes whenever a file of a version is written, replaced, added or deleted."""
    parts = []
    for path in sorted(folder.rglob("*")):
        try:
            about = path.lstat()
        except FileNotFoundError:
            continue
        parts.append((str(path.relative_to(folder)), about.st_size, about.st_mtime_ns, about.st_ino))
    return tuple(parts)
