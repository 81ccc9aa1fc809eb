"""The `millrace study` commands: run a study, look at it, export its best entries, open its dashboard."""

import re
from pathlib import Path
from typing import Annotated

import typer

from features.errors import FeatureError
from models.errors import ModelError
from pipeline.errors import ParamsError
from pipeline.stage import one_line_errors

app = typer.Typer(help="Studies of hyper-parameters that resume and scale out.", no_args_is_help=True)

DEFAULT_STORAGE = "data/studies/journal.log"
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LONGEST = 12  # rows of trials that `show` prints

Name = Annotated[str, typer.Argument(help="The study's name.")]
StorageOption = Annotated[
    str, typer.Option(help="A journal file (one machine), or postgresql://USER@HOST/DATABASE (many).")
]


@app.command()
@one_line_errors(FeatureError, ModelError)
def run(
    name: Name,
    network: Annotated[str, typer.Option(help="A table network that `millrace zoo list` names.")],
    data: Annotated[
        Path, typer.Option(help="A folder that `prepare` wrote, or one Parquet table of numbers.")
    ] = Path("data/prepared"),
    selection: Annotated[Path, typer.Option(help="What select_features wrote, for a folder.")] = Path(
        "data/selection"
    ),
    target: Annotated[str, typer.Option(help="The target column of a table.")] = "y",
    trials: Annotated[int, typer.Option(min=1, help="Finished trials in all, by whomever.")] = 100,
    timeout: Annotated[str, typer.Option(help="As 90s, 20m, 1h; trials that run are finished.")] = "",
    workers: Annotated[int, typer.Option(min=1, help="Processes, of this machine or of --ray.")] = 1,
    ray: Annotated[
        str, typer.Option(help="Address of a Ray cluster that carries the workers: host:port, or auto.")
    ] = "",
    storage: StorageOption = DEFAULT_STORAGE,
    epochs: Annotated[int, typer.Option(min=1)] = 20,
    patience: Annotated[int, typer.Option(min=1, help="Epochs without a better one.")] = 8,
    sampler: Annotated[str, typer.Option(help="tpe, gp, cmaes or random.")] = "tpe",
    pruner: Annotated[str, typer.Option(help="none, median, halving, hyperband or wilcoxon.")] = "halving",
    rung: Annotated[
        list[str] | None,
        typer.Option(help="A cheaper rung before the full training, as rows=0.25,epochs=0.5,size=0.5."),
    ] = None,
    folds: Annotated[int, typer.Option(min=1, help="Folds of all rows, for --pruner wilcoxon.")] = 1,
    audit: Annotated[int, typer.Option(min=0, help="Trials that run to the end, to audit steps.")] = 8,
    tau_floor: Annotated[float, typer.Option(help="A step under this Kendall tau prunes nothing.")] = 0.3,
    objective: Annotated[
        list[str] | None, typer.Option(help="Minimised beside the error: latency_ms or parameters.")
    ] = None,
    limit: Annotated[list[str] | None, typer.Option(help="As latency_ms=0.5 or parameters=20000.")] = None,
    first: Annotated[
        list[str] | None,
        typer.Option(help="The network's starts to try first, by name; all (the default), or none."),
    ] = None,
    warm_start: Annotated[
        list[str] | None, typer.Option(help="Studies in the storage whose best trials are tried first.")
    ] = None,
    checkpoints: Annotated[
        str, typer.Option(help="A folder that all workers reach, for trials that were killed to go on from.")
    ] = "",
    seed: Annotated[int, typer.Option(min=0)] = 0,
    threads: Annotated[int, typer.Option(min=1, help="Of each worker.")] = 1,
) -> None:
    """Run a study, or join or go on with the one of that name; one that was killed loses nothing."""
    from models.tuning.objective import FULL, Rung
    from models.tuning.table import tune_network
    from models.tuning.warm_start import best_params, starts
    from pipeline.compute import carrier, engine
    from pipeline.lineage import digest_code
    from pipeline.study_data import read_study_data

    train, validation = read_study_data(data, selection, target)
    wanted = [] if first == ["none"] else first or ["all"]
    ladder = [*(Rung(**_numbers(text, Rung.__annotations__)) for text in rung or []), FULL]
    with engine(carrier(ray)):
        tuned = tune_network(
            train, validation, network=network, name=name, storage=storage, trials=trials, epochs=epochs,
            patience=patience, seed=seed, threads=threads, sampler=sampler, pruner=pruner, ladder=ladder,
            warm_up_steps=1 if rung or folds > 1 else 4, folds=folds, audit=audit, tau_floor=tau_floor,
            objectives=["rmsle", *(objective or [])], limits=_numbers(",".join(limit or [])),
            first=[*best_params(warm_start or [], storage), *starts(network, wanted)],
            workers=workers, timeout_s=_seconds(timeout),
            checkpoints=checkpoints or _checkpoints(storage), run_key=digest_code(),
        )  # fmt: skip
    print(f"{len(tuned.study.trials)} trials, the best RMSLE {tuned.study.best_value:.4f}: {tuned.params}")


@app.command()
@one_line_errors(ModelError)
def show(name: Name, storage: StorageOption = DEFAULT_STORAGE) -> None:
    """Print a study's trials, its best one, which parameters mattered, and its fidelity audit."""
    import pandas as pd

    from models.tuning.audit import audit_steps
    from models.tuning.evidence import importances
    from models.tuning.study import best_trial, finished_trials, load_study

    study = load_study(name, storage)
    rows = pd.DataFrame(finished_trials(study))
    counts = {} if rows.empty else dict(rows["state"].value_counts())
    print(f"{name}: " + (", ".join(f"{count} {state}" for state, count in counts.items()) or "no trial yet"))
    if counts.get("complete"):
        best = best_trial(study)
        print(rows.tail(LONGEST).to_string(index=False, max_cols=6))
        print(f"best: trial {best.number}, {best.values[0]:.4f}, {best.params}")  # noqa: PD011  a trial is no table
    for parameter, share in importances(study).items():
        print(f"importance of {parameter:16}{share:.0%}")
    about = study.user_attrs
    for step in audit_steps(study, audit=about.get("audit", 0), floor=about.get("tau_floor", 0.0)):
        tau = "no order" if step.tau is None else f"tau {step.tau:.2f} ({step.low:.2f} to {step.high:.2f})"
        print(f"after step {step.step + 1}: {tau}, {'prunes' if step.trusted else 'prunes nothing'}")


@app.command()
@one_line_errors(ModelError)
def export(
    name: Name,
    out: Annotated[Path, typer.Argument(help="The file to write, as the stage train reads it.")],
    storage: StorageOption = DEFAULT_STORAGE,
) -> None:
    """Write the best trial's entries as best.yaml."""
    from optuna.trial import FixedTrial

    from models.catalog import entry
    from models.tuning.study import best_trial, load_study
    from pipeline.files import write_text
    from pipeline.study_report import best_yaml

    study = load_study(name, storage)
    network = study.user_attrs.get("network")
    if network is None:
        raise ParamsError(f"expected a study that `millrace study run` made, {name} names no network")
    params = entry(network).search_space(FixedTrial(best_trial(study).params))
    write_text(out, best_yaml(network, params))
    print(f"wrote {out}")


@app.command()
@one_line_errors(ModelError)
def dashboard(
    storage: StorageOption = DEFAULT_STORAGE,
    port: Annotated[int, typer.Option(min=0, help="Port on the loopback; 0 takes a free one.")] = 8080,
) -> None:
    """Serve Optuna's dashboard on the storage to this machine alone (`pip install 'millrace[dashboard]'`)."""
    from pipeline.dashboard import serve_dashboard

    serve_dashboard(storage, port=port)


def _seconds(text: str) -> float | None:
    if not text:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text)
    if not found:
        raise ParamsError(f"expected a time as 90s, 20m, 1h or 2d, got {text!r}")
    return float(found[1]) * UNITS[found[2]]


def _numbers(text: str, names: dict[str, object] | None = None) -> dict[str, float]:
    """Numbers by name from NAME=NUMBER,..."""
    values = {}
    for each in filter(None, text.split(",")):
        key, _, value = each.partition("=")
        try:
            values[key] = float(value)
        except ValueError as error:
            raise ParamsError(f"expected NAME=NUMBER, got {each!r}") from error
        if names is not None and key not in names:
            raise ParamsError(f"expected shares of {', '.join(names)}, got {key!r}")
    return values


def _checkpoints(storage: str) -> str:
    """Beside a journal, or in the database itself: where every worker on the study finds them."""
    return storage if "://" in storage else f"{storage}.checkpoints"
