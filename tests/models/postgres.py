"""A PostgreSQL server of our own for tests, where Debian's package or any other has installed one."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.repository import free_port


def programs() -> Path | None:
    """The folder of initdb and pg_ctl, or None."""
    found = shutil.which("initdb")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    return Path(found).parent if found else debian[0].parent if debian else None


def why_not() -> str | None:
    """Why no server can be had here, in words; None where it can."""
    if programs() is None:
        return "no PostgreSQL here: `make postgres` installs Debian's package"
    if os.getuid() == 0 and _account() is None:
        return "PostgreSQL refuses root, and there is no user postgres or nobody to run it"
    return None


@contextmanager
def postgres() -> Iterator[str]:
    """A fresh server on a free port of the loopback; its URL."""
    folder, port = Path(tempfile.mkdtemp(prefix="millrace-postgres-")), free_port()
    account = _account()
    if account is not None:
        os.chown(folder, account.pw_uid, account.pw_gid)
    control = ["pg_ctl", "-w", "-D", str(folder / "data")]
    options = f"-p {port} -h 127.0.0.1 -k '' -c fsync=off"
    try:
        _run("initdb", "-D", str(folder / "data"), "-U", "millrace", "--auth=trust", "--encoding=UTF8")
        _run(*control, "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield f"postgresql://millrace@127.0.0.1:{port}/postgres"
        finally:
            _run(*control, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


def _account() -> pwd.struct_passwd | None:
    """Who runs the server: PostgreSQL refuses root. None: we do."""
    if os.getuid() != 0:
        return None
    names = {user.pw_name: user for user in pwd.getpwall()}
    return names.get("postgres") or names.get("nobody")


def _run(program: str, *words: str) -> None:
    account, folder = _account(), programs()
    assert folder is not None
    user = {} if account is None else {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    done = subprocess.run(
        [str(folder / program), *words], cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **user
    )
    assert done.returncode == 0, done.stderr.decode()
