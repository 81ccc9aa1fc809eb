"""The `millrace nas` commands: search a space of architectures, look at what was found."""

from pathlib import Path
from typing import Annotated

import typer

from models.errors import ModelError
from pipeline.stage import one_line_errors

app = typer.Typer(help="Architecture search, judged by a table of all architectures.", no_args_is_help=True)

ReportOption = Annotated[Path, typer.Option(help="Folder of what was found.")]


@app.command("run")
@one_line_errors(ModelError)
def run_search(
    space: Annotated[str, typer.Option(help="cells or mlp.")] = "cells",
    method: Annotated[
        str | None, typer.Option(help="A method that `millrace nas list` names; without it the space's own.")
    ] = None,
    budget: Annotated[
        int | None,
        typer.Option(min=1, help="Steps: rows trained on. Without it 5% of training every architecture."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the search and its trainings.")] = 0,
    look_up: Annotated[
        bool, typer.Option("--look-up", help="Take scores from the table instead of training.")
    ] = False,
    folder: Annotated[
        Path | None, typer.Option("--data-dir", help="CIFAR-10 in a folder, instead of digits.")
    ] = None,
    report: ReportOption = Path("reports/nas"),
    work: Annotated[Path, typer.Option(help="Folder of scores and checkpoints.")] = Path("artifacts/nas"),
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Trainings at a time; one, or all that --ray has room for.")
    ] = None,
    ray: Annotated[
        str, typer.Option(help="Address of a Ray cluster that carries the trainings: host:port, or auto.")
    ] = "",
    threads: Annotated[int, typer.Option(min=1, help="Threads of a training.")] = 1,
) -> None:
    """Search a space; the winner is written as parameters that `millrace zoo train` takes."""
    from models.table import torch_threads
    from pipeline.compute import carrier, engine
    from pipeline.nas import describe, search

    with torch_threads(threads), engine(carrier(ray)):
        search(
            space, method, report, work, budget=budget, seed=seed, look_up=look_up, folder=folder, jobs=jobs
        )
    for line in describe(report):
        print(line)


@app.command("compare")
@one_line_errors(ModelError)
def compare(
    space: Annotated[str, typer.Option(help="cells or mlp.")] = "cells",
    method: Annotated[
        list[str] | None, typer.Option(help="Methods to compare; without it all that suit the space.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Searches of each method.")] = 10,
    budget: Annotated[float, typer.Option(min=0, max=1, help="Share of exhaustive compute.")] = 0.05,
    jobs: Annotated[int, typer.Option(min=1, help="Searches at a time.")] = 1,
    report: Annotated[Path, typer.Option(help="Folder of the page.")] = Path("reports/nas_compare"),
) -> None:
    """Search with every method and several seeds, scores from the table, and draw them side by side."""
    from pipeline.nas_compare import compare_methods

    found = compare_methods(space, method or (), report, seeds=seeds, share=budget, jobs=jobs)
    for name, row in found.items():
        print(f"{name:21}median regret {row['regret']:.4f}")
    print(report / "index.html")


@app.command("list")
@one_line_errors(ModelError)
def list_methods() -> None:
    """Name the spaces with their sizes, and the methods."""
    from models.nas.catalog import SPACES
    from models.nas.methods.catalog import DEFAULTS, METHODS

    for name, space in SPACES.items():
        count = f"{len(space.architectures):,} architectures of {space.network}"
        print(f"space   {name:22}{count}, by default {DEFAULTS[name]}")
    for name in METHODS:
        print(f"method  {name}")


@app.command()
@one_line_errors(ModelError)
def show(report: ReportOption = Path("reports/nas")) -> None:
    """Tell what the last search found, and the command that trains it."""
    from pipeline.nas import describe

    for line in describe(report):
        print(line)
