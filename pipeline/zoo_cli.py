"""The `millrace zoo` commands: list the networks, train one, look at what it answers."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer
import yaml

from models.errors import ModelError
from pipeline.errors import ParamsError
from pipeline.stage import one_line_errors
from pipeline.zoo_params import ZOO_PARAMS_FILE, DataParams
from serving.errors import ServingError

app = typer.Typer(
    help="Networks of the deep-learning course: trained, exported and served alike.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(help="A network that `millrace zoo list` names.")]
SourceOption = Annotated[
    Literal["embedded", "folder", "hub"] | None,
    typer.Option(help="Where the data come from; --data-dir means folder."),
]
FolderOption = Annotated[Path | None, typer.Option("--data-dir", help="Folder that holds the set's files.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", "-S", help="A parameter for this run: training.epochs=3.")
]
ArtifactsOption = Annotated[Path, typer.Option(help="Folder of weights and runs.")]
ModelsOption = Annotated[Path, typer.Option(help="Folder of bundles, as `millrace serve` reads it.")]


@app.command("list")
@one_line_errors(ModelError)
def list_networks() -> None:
    """Name every network with its task, its data and the published figure."""
    from models.catalog import CATALOG

    for name, chosen in CATALOG.items():
        found = chosen.published
        figure = "" if found.value is None else f"published {found.metric} {found.value:g}"
        print(f"{name:16}{chosen.task.__name__:22}{chosen.data:10}{figure}")


@app.command()
@one_line_errors(ModelError, ServingError)
def train(
    name: Name,
    source: SourceOption = None,
    folder: FolderOption = None,
    settings: SetOption = None,
    artifacts: ArtifactsOption = Path("artifacts/zoo"),
    reports: Annotated[Path, typer.Option(help="Folder of metrics and pictures.")] = Path("reports/zoo"),
    models: ModelsOption = Path("artifacts/models"),
    params: Annotated[Path, typer.Option(help="The zoo's parameters.")] = ZOO_PARAMS_FILE,
) -> None:
    """Train a network, judge it on the test split and export it; a run that was killed goes on."""
    from pipeline.zoo import work_on
    from pipeline.zoo_evaluate import evaluate
    from pipeline.zoo_export import export
    from pipeline.zoo_train import train as train_network

    work = work_on(name, params, source=_source(source, folder), overrides=_overrides(settings or []))
    print(f"{name} on {work.data.origin.detail}: {dict(work.data.origin.rows)}")
    network, report = artifacts / name / "network", reports / name
    train_network(work, network, report / "train", artifacts / name / "run")
    row = evaluate(work, network, report / "train", report / "evaluate")
    export(work, network, report / "evaluate", models / name / "1")
    for metric, value in row["metrics"].items():
        print(f"{metric:16}{value:.4f}")
    print(f"weights in {network}, pictures in {report}, bundle in {models / name / '1'}")


@app.command()
@one_line_errors(ModelError)
def table(
    reports: Annotated[Path, typer.Option(help="Folder that `train` wrote reports to.")] = Path(
        "reports/zoo"
    ),
) -> None:
    """Print the figures of every network trained so far beside the published ones, as a Markdown table."""
    from pipeline.zoo_report import markdown, read_rows

    print(markdown(read_rows(reports)), end="")


@app.command()
@one_line_errors(ModelError)
def sample(
    name: Name,
    count: Annotated[int, typer.Option(min=1, max=64, help="How many answers.")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Which ones.")] = 0,
    source: SourceOption = None,
    folder: FolderOption = None,
    artifacts: ArtifactsOption = Path("artifacts/zoo"),
    out: Annotated[Path, typer.Option(help="Folder for pictures.")] = Path("reports/zoo/samples"),
) -> None:
    """Show what a trained network answers on rows of the test split."""
    from pipeline.zoo import work_on

    work = work_on(name, source=_source(source, folder))
    learner = work.load(artifacts / name / "network")
    out.mkdir(parents=True, exist_ok=True)
    for line in work.recipe.sample(learner, work.data.test, count=count, seed=seed, folder=out):
        print(line)


def _source(source: str | None, folder: Path | None) -> DataParams | None:
    """The data asked for on the command line; None leaves it to the parameters."""
    if source is None and folder is None:
        return None
    kind = source or "folder"
    if (kind == "folder") != (folder is not None):
        raise ParamsError(
            f"expected --data-dir with --source folder and with it alone, got {kind} and {folder}"
        )
    return DataParams.model_validate({"source": kind, "folder": str(folder) if folder else None})


def _overrides(settings: list[str]) -> dict[str, Any]:
    """Values by dotted key from KEY=VALUE, the value read as YAML."""
    values = {}
    for each in settings:
        key, equals, value = each.partition("=")
        if not equals or not key:
            raise ParamsError(f"expected KEY=VALUE as in training.epochs=3, got {each!r}")
        values[key] = yaml.safe_load(value)
    return values
