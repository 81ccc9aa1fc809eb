"""How a stage runs from the command line: its signature is its interface, its errors are one line."""

import functools
import sys
from collections.abc import Callable
from typing import Any

import typer

from features.errors import FeatureError
from models.errors import ModelError
from pipeline.errors import PipelineError
from scrapers.errors import ScrapeError
from serving.errors import ServingError

ROOM_ERRORS = (PipelineError, ScrapeError, FeatureError, ModelError, ServingError)


def one_line_errors(command: Callable[..., Any]) -> Callable[..., Any]:
    """`command` with the rooms' errors turned into one line on stderr and exit status 1."""

    @functools.wraps(command)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except ROOM_ERRORS as error:
            print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
            raise typer.Exit(1) from error

    return guarded


def run(stage: Callable[..., None]) -> None:
    """Run the stage as a command whose options are the arguments of its function."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(one_line_errors(stage))
    app()
