"""How a stage runs from the command line: its signature is its interface, its errors are one line."""

import functools
import os
import sys
from collections.abc import Callable
from typing import Any

import typer

from pipeline.errors import PipelineError

Command = Callable[..., Any]


def one_line_errors(*roots: type[Exception]) -> Callable[[Command], Command]:
    """Decorate a command: errors of the rooms it uses, and of the file system, are one line and status 1.

    `roots` are those rooms' root errors. Any other exception is a fault of ours and keeps its traceback.
    """

    expected: tuple[type[Exception], ...] = (PipelineError, *roots)

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            try:
                return command(*args, **kwargs)
            except expected as error:
                _fail(str(error), error)
            except OSError as error:
                _fail(f"expected to read and write files, got {error}: mend the path or free space", error)

        return guarded

    return decorate


def run(stage: Callable[..., None], *roots: type[Exception]) -> None:
    """Run the stage as a command whose options are the arguments of its function; see `one_line_errors`."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(one_line_errors(*roots)(stage))
    try:
        app()
    except SystemExit as done:
        if done.code:
            _leave(int(done.code))
        raise


def _leave(status: int) -> None:
    """End a failed stage at once: threads that a library has just begun would abort an orderly end (134)."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _fail(message: str, cause: Exception) -> None:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    raise typer.Exit(1) from cause
