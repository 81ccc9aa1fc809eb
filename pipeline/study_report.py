"""What a study's folder of the reports holds: every trial, the best entries, figures and plots."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from matplotlib.figure import Figure
from optuna.study import Study

from models.plots import plot_study
from models.plots_study import (
    drawn_parameters,
    plot_audit,
    plot_contour,
    plot_importances,
    plot_parallel,
    plot_parameters,
    plot_timeline,
)
from models.tuning.audit import audit_steps
from models.tuning.evidence import importances, log_parameters, timeline
from models.tuning.search import Search
from models.tuning.study import load_study
from models.tuning.table import TunedNetwork
from pipeline.figures import save_figure
from pipeline.files import whole_folder, write_csv, write_json, write_text

METRIC = "validation RMSLE"
FEW, ENOUGH = 3, 10
"""So many complete trials a plot of single parameters and one of two together need."""


def write_study(report: Path, name: str, tuned: TunedNetwork, *, step: str) -> None:
    """Write trials.csv, best.yaml, metrics.json, audit.json and those plots that say something of this study.

    `step` is what a step of its trials is: an epoch, a rung or a fold.
    """
    study = load_study(tuned.search.name, tuned.search.storage)
    trials = pd.DataFrame(tuned.study.trials)
    counts = {state: int((trials["state"] == state).sum()) for state in ("complete", "pruned", "failed")}
    audits = [asdict(audit) for audit in audit_of(study, tuned.search)]
    shares = importances(study, seed=tuned.search.seed)
    with whole_folder(report) as fresh:
        write_csv(fresh / "trials.csv", trials)
        write_text(fresh / "best.yaml", best_yaml(name, tuned.params))
        write_json(fresh / "metrics.json", {"best_rmsle": tuned.study.best_value, **counts})
        told = {"floor": tuned.search.tau_floor, "trials": tuned.search.audit, "step": step, "steps": audits}
        write_json(fresh / "audit.json", told)
        figures = {
            "study": plot_study(trials, metric=METRIC),
            **_parameter_figures(study, trials, shares),
            **_audit_figure(audits, tuned.search, step),
            **_timeline_figure(timeline(study)),
        }
        for title, figure in figures.items():
            save_figure(fresh / f"{title}.svg", figure)


def best_yaml(network: str, params: Mapping[str, Any]) -> str:
    """The entries of a network as the stage train reads them."""
    return str(yaml.safe_dump({"name": network, **params}, sort_keys=False))


def audit_of(study: Study, search: Search) -> list[Any]:
    """The fidelity audit of a study, empty where none was asked for."""
    return audit_steps(study, audit=search.audit, floor=search.tau_floor) if search.audit else []


def _parameter_figures(study: Study, trials: pd.DataFrame, shares: Mapping[str, float]) -> dict[str, Figure]:
    logs, complete = log_parameters(study), int((trials["state"] == "complete").sum())
    drawn = drawn_parameters(trials)
    figures = {}
    if complete >= FEW and drawn:
        figures["slices"] = plot_parameters(trials, metric=METRIC, logs=logs)
    if complete >= FEW and len(drawn) > 1:
        figures["parallel"] = plot_parallel(trials, metric=METRIC, logs=logs)
    if shares:
        figures["importance"] = plot_importances(shares)
    pair = [name for name in shares if name in drawn][:2]
    if complete >= ENOUGH and len(pair) == 2:
        figures["contour"] = plot_contour(trials, (pair[0], pair[1]), metric=METRIC, logs=logs)
    return figures


def _audit_figure(audits: list[dict[str, Any]], search: Search, step: str) -> dict[str, Figure]:
    if not any(audit["tau"] is not None for audit in audits):
        return {}
    return {"audit": plot_audit(audits, floor=search.tau_floor, step=f"so many {step}")}


def _timeline_figure(stretches: pd.DataFrame) -> dict[str, Figure]:
    """One worker alone has nothing to show."""
    return {"timeline": plot_timeline(stretches)} if len(set(stretches["worker"])) > 1 else {}
