"""API keys: a file has each one's name and SHA-256; who asks gives the key itself.

A key is 256 random bits, so that a plain hash of it is as good as a slow one: nobody can try them all.
"""

import re
import secrets
from hashlib import sha256
from hmac import compare_digest
from pathlib import Path

from serving.errors import StartError, UnauthorizedError
from serving.watched import Watched

_LINE = re.compile(r"([A-Za-z0-9._@-]{1,64}):([0-9a-f]{64})")
_HOW = "send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`"


class Keys:
    """The keys that a service takes, each known by its name and hash alone."""

    def __init__(self, path: Path) -> None:
        """Read their file. Raises StartError naming the line at fault."""
        self._hashes = Watched(path, _read, "the file of API keys")
        self.refresh = self._hashes.refresh

    def name(self, authorization: str, api_key: str) -> str:
        """The name of the key in the values of these headers, "" where one was not sent.

        Every hash is compared, each in constant time. Raises UnauthorizedError.
        """
        scheme, _, given = authorization.partition(" ")
        key = api_key or (given.strip() if scheme.lower() == "bearer" else "")
        if not key:
            raise UnauthorizedError(f"this service needs an API key: {_HOW}")
        found = sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
        names = [name for name, known in self._hashes.value.items() if compare_digest(known, found)]
        if not names:
            raise UnauthorizedError("this API key is none of the service's: ask who runs it for one")
        return names[0]


def _read(path: Path) -> dict[str, str]:
    """The hashes by name, `name:hash` a line as `new_key` makes them, beside empty lines and `#` comments.

    Raises StartError naming the line at fault.
    """
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(f"cannot read the API keys: {error}") from None
    hashes: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise StartError(
                f"{path}, line {number}: expected name:sha256 (a name, a colon, 64 hexadecimal digits); "
                "`millrace serve-key NAME` makes one"
            )
        if match[1] in hashes:
            raise StartError(f"{path}, line {number}: the name {match[1]!r} is there twice")
        hashes[match[1]] = match[2]
    if not hashes:
        raise StartError(f"{path} has no key: `millrace serve-key NAME --api-keys {path}` adds one")
    return hashes


def new_key(name: str) -> tuple[str, str]:
    """A new key, and the line that lets a service take it. Raises StartError for a name that is none."""
    key = secrets.token_urlsafe(32)
    line = f"{name}:{sha256(key.encode()).hexdigest()}"
    if _LINE.fullmatch(line) is None:
        raise StartError(f"a key's name is 1 to 64 letters, digits and any of . _ @ -, got {name[:80]!r}")
    return key, line


def add_key(path: Path, name: str) -> str:
    """Add a new key to a file, which only its owner may read where it is made anew; gives the key.

    Raises StartError where the name is taken or the file is none of keys.
    """
    key, line = new_key(name)
    before = path.read_text() if path.exists() else ""
    if any(_LINE.fullmatch(each.strip()) for each in before.splitlines()):
        _read(path)
    if any(each.strip().startswith(f"{name}:") for each in before.splitlines()):
        raise StartError(f"{path} has a key named {name!r}: take another name, or remove its line")
    path.touch(mode=0o600)
    with path.open("a") as file:
        file.write(("" if before.endswith("\n") or not before else "\n") + line + "\n")
    return key
