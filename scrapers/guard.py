"""A child process that never outlives its parent, however that ends: a guard between them sees to it.

The parent starts this file as a script and holds its standard input open; the guard starts the command in a
process group of its own. When the input closes (the parent closed it, or died by any signal), or when the
command ends, the whole group is ended and the scratch folder removed. Standard library only, so that it
starts in milliseconds with `python -I -S`.
"""

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

STOP_TIMEOUT_S = 5.0
_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_LOG_BYTES = 1024 * 1024


class Guarded:
    """A context manager around a running command; the folder `scratch` is removed when it has ended.

    `environment` is added to this process's own.

    Raises OSError when the guard cannot be started; a command that cannot be shows in `ended` and `output`.
    """

    def __init__(
        self, command: list[str], *, scratch: Path | None = None, environment: Mapping[str, str] | None = None
    ) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (closed in stop)
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, str(scratch or ""), *command],
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
            env={**os.environ, **(environment or {})},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def ended(self) -> bool:
        """Whether the command has ended by itself, or could not be started."""
        return self._process.poll() is not None

    def output(self) -> str:
        """What the command has written so far (its first MiB)."""
        # pread: the file position is shared with the command, which writes at it.
        return os.pread(self._log.fileno(), _LOG_BYTES, 0).decode("utf-8", "replace")

    def stop(self) -> None:
        """End the command and all that it started, and wait until they are gone."""
        if self._process.stdin is None or self._process.stdin.closed:
            return
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait(timeout=3 * STOP_TIMEOUT_S)
        self._log.close()


def _run(command: list[str], scratch: str, lifeline: int) -> int:
    _adopt_orphans()
    try:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        return 127
    threading.Thread(target=_end_with_parent, args=(lifeline, child.pid), daemon=True).start()
    signal.signal(signal.SIGTERM, lambda _signal, _frame: _signal_group(child.pid, signal.SIGTERM))
    code = child.wait()
    _signal_group(child.pid, signal.SIGKILL)
    _reap_orphans()
    if scratch:
        shutil.rmtree(scratch, ignore_errors=True)
    return code


def _adopt_orphans() -> None:
    """Become the parent of the command's orphans, where the system can (Linux): not every init reaps them."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _reap_orphans() -> None:
    """Wait a while for adopted processes to end: the group's are killed, others end with their parents."""
    deadline = time.monotonic() + STOP_TIMEOUT_S
    with contextlib.suppress(ChildProcessError):
        while time.monotonic() < deadline:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.01)


def _end_with_parent(lifeline: int, group: int) -> None:
    """Wait until the parent's end of the pipe closes; then ask the group to end, and soon make it."""
    while os.read(lifeline, 1):
        pass
    _signal_group(group, signal.SIGTERM)
    timer = threading.Timer(STOP_TIMEOUT_S, _signal_group, (group, signal.SIGKILL))
    timer.daemon = True
    timer.start()


def _signal_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


if __name__ == "__main__":
    sys.exit(_run(sys.argv[2:], sys.argv[1], sys.stdin.fileno()))
