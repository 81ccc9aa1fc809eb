"""A search for an architecture: search, judge by the table, write the winner as the zoo reads it."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from models.errors import SearchError
from models.nas.catalog import lesson_of, space_of
from models.nas.evaluate import ByTraining, Evaluate, FromTable
from models.nas.history import History
from models.nas.judge import Truth
from models.nas.methods.catalog import DEFAULTS, method_of
from models.nas.space import Space
from models.nas.table import Table, packaged
from pipeline.files import read_json, whole_folder, write_csv, write_json, write_text
from pipeline.nas_report import search_figures, write_page
from pipeline.zoo_params import ZOO_PARAMS_FILE, read_zoo

SHARE = 0.05
"""Share of exhaustive compute that is the budget where none is named."""


def search(
    space_name: str,
    method: str | None,
    report: Path,
    work: Path,
    *,
    budget: int | None = None,
    seed: int = 0,
    look_up: bool = False,
    folder: Path | None = None,
    jobs: int | None = None,
) -> dict[str, Any]:
    """Search and write `report`: the trials, the summary, the winner and a page. Returns the summary.

    Without a `method` the space's own is taken. With `look_up` scores come from the packaged table, else
    from trainings, `jobs` at a time (joblib's `n_jobs`), whose scores `work` keeps.
    """
    space = space_of(space_name)
    name = method or DEFAULTS[space.name]
    lesson, find = lesson_of(space, folder), method_of(name)
    evaluate: Evaluate
    if look_up:
        evaluate = FromTable(packaged(space), lesson)
    else:
        evaluate = ByTraining(space, lesson, work / space.name, seed, jobs)
    steps = budget or int(SHARE * len(evaluate.candidates()) * lesson.full)
    history = find(space, evaluate, steps, seed)
    table = _table(space, lesson.about(space.name))
    summary: dict[str, Any] = {
        "space": space.name, "method": name, "seed": seed, "budget": steps, "spent": history.spent,
        "trained": sum(trial.epochs == history.full for trial in history.trials),
        "architecture": history.best.architecture, "score": history.best.score,
        "network_name": space.network,
        "network": space.entries(history.best.architecture), "looked_up": look_up,
        "data": lesson.data.origin.detail, "truth": _truth(table, history),
    }  # fmt: skip
    with whole_folder(report) as fresh:
        write_csv(fresh / "trials.csv", _trials(history))
        write_json(fresh / "search.json", summary)
        write_text(fresh / "winner.yaml", winner(space, space.entries(history.best.architecture)))
        lines = told(summary, report)
        write_page(fresh, "Architecture search", lines, search_figures(space, history, name, table))
    return summary


def winner(space: Space, network: dict[str, Any], params: Path = ZOO_PARAMS_FILE) -> str:
    """The winner as a file of the zoo's parameters: its network's block, the architecture laid over it."""
    _, blocks = read_zoo(params)
    block = dict(blocks[space.network])
    block["network"] = {**block.get("network", {}), **_plain(network)}
    document = {"data": {"source": "embedded"}, "networks": {space.network: block}}
    return yaml.safe_dump(document, sort_keys=False, default_flow_style=None, width=110)


def describe(report: Path) -> list[str]:
    """Lines that tell what a search found. Raises InputError if `report` holds none."""
    return told(read_json(report / "search.json"), report)


def told(found: dict[str, Any], report: Path) -> list[str]:
    """The summary of a search in lines for people."""
    lines = [
        f"{found['method']} on {found['space']}, seed {found['seed']}: {' '.join(found['architecture'])}",
        f"score {found['score']:.4f} on {found['data']}" + (", looked up" if found["looked_up"] else ""),
        f"{found['trained']} trained in full, {found['spent']:,} of {found['budget']:,} steps",
    ]
    if truth := found["truth"]:
        part = "" if truth["complete"] else f" (of the {truth['architectures']} that the table has)"
        lines.append(
            f"{truth['share_above']:.1%} of all architectures are better, regret {truth['regret']:.4f}{part}"
        )
    return [*lines, f"millrace zoo train {found['network_name']} --params {report / 'winner.yaml'}"]


def _table(space: Space, terms: dict[str, Any]) -> Table | None:
    """The packaged table; None where there is none or it is of other terms."""
    try:
        table = packaged(space)
    except SearchError:
        return None
    return table if table.about == terms else None


def _truth(table: Table | None, history: History) -> dict[str, Any] | None:
    """What the table says of the answer; None where it lacks it."""
    best = history.best.architecture
    if table is None or best not in table.architectures:
        return None
    truth = Truth(table)
    return {
        "regret": truth.best - truth.scores[best], "share_above": truth.share_above(best),
        "architectures": len(table.architectures), "complete": table.complete,
    }  # fmt: skip


def _trials(history: History) -> pd.DataFrame:
    rows = [{**asdict(trial), "architecture": "|".join(trial.architecture)} for trial in history.trials]
    return pd.DataFrame(rows)


def _plain(network: dict[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in network.items()}
