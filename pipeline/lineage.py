"""Lineage: digests of data, parameters and code, by which a result says what it came from."""

import hashlib
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOMS = ("pipeline", "scrapers", "features", "models", "serving")


def digest_files(paths: Iterable[Path]) -> str:
    """SHA-256 of the contents of `paths`, in the order given; their names and places do not count."""
    total = hashlib.sha256()
    for path in paths:
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def digest_json(data: Any) -> str:
    """SHA-256 of `data` as canonical JSON."""
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def digest_code() -> str:
    """SHA-256 of the project's own modules that this process has imported, in the order of their names."""
    names = sorted(name for name in sys.modules if name.partition(".")[0] in ROOMS)
    files = [getattr(sys.modules[name], "__file__", None) for name in names]
    return digest_files(Path(file) for file in files if file)
