"""The evidence of select_features: tables, figures and plots that say why these columns and not others."""

from pathlib import Path

import pandas as pd

from features.selection.bake_off import BakeOff
from features.selection.catalog import METHODS
from features.selection.choose import Choice
from features.selection.lasso import Lasso
from features.selection.plots import plot_frequency, plot_rankings, plot_stability
from features.selection.plots_bake_off import plot_score_by_size, plot_stability_by_size
from features.selection.plots_evidence import (
    plot_beeswarm,
    plot_clusters,
    plot_dependence,
    plot_lasso_path,
)
from features.selection.shapley import Shap
from pipeline.columns import Schema
from pipeline.figures import save_figure
from pipeline.files import write_csv, write_json


def write_evidence(report: Path, choice: Choice, decided_by: str) -> None:
    """Scores (of all rows and of each resample), frequencies, stability and seconds, and their plots."""
    write_csv(report / "scores.csv", choice.scores.rename_axis("column").reset_index())
    frequency = choice.stability.frequency.rename_axis("column").reset_index()
    write_csv(report / "frequency.csv", frequency)
    write_csv(report / "resamples.csv", choice.stability.scores.reset_index())
    index = {str(name): float(value) for name, value in choice.stability.index().items()}
    write_csv(report / "stability.csv", pd.DataFrame({"method": index.keys(), "stability": index.values()}))
    write_json(report / "metrics.json", {"kept": len(choice.columns), "stability": index})
    write_json(report / "seconds.json", {str(name): float(value) for name, value in choice.seconds.items()})
    costs = {name: METHODS[name].cost for name in choice.selectors}
    write_json(report / "methods.json", {"decided_by": decided_by, "costs": costs})
    save_figure(report / "rankings.svg", plot_rankings(choice.scores))
    save_figure(report / "frequency.svg", plot_frequency(choice.stability, choice.scores.index))
    save_figure(report / "stability.svg", plot_stability(choice.stability))
    _plot_methods(report, choice)


def _plot_methods(report: Path, choice: Choice) -> None:
    if len(choice.scores) > 1:
        save_figure(report / "clusters.svg", plot_clusters(choice.frame[list(choice.scores.index)]))
    for selector in choice.selectors.values():
        if isinstance(selector, Lasso):
            figure = plot_lasso_path(selector, names=list(choice.frame.columns))
            save_figure(report / "lasso_path.svg", figure)
        if isinstance(selector, Shap):
            shares, rows = selector.values_, selector.explained_
            save_figure(report / "shap_beeswarm.svg", plot_beeswarm(shares, rows))
            save_figure(report / "shap_dependence.svg", plot_dependence(shares, rows))


def write_fields(report: Path, schema: Schema, needed: Schema) -> None:
    """Which fields of the site the chosen columns are made of, and which need not be fetched at all."""
    names = {column.name for column in needed.columns}
    spare = [column.name for column in schema.columns if column.name not in names]
    write_json(report / "fields.json", {"needed": sorted(names), "not_needed": sorted(spare)})


def write_bake_off(report: Path, baked: BakeOff) -> None:
    """The table of methods and sizes, every fold's score, the winner, and the two curves."""
    table, (method, size) = baked.summary(), baked.winner()
    won = table[(table["method"] == method) & (table["size"] == size)].iloc[0]
    write_csv(report / "bake_off.csv", table.drop(columns="seconds"))
    write_csv(report / "bake_off_folds.csv", baked.scores.reset_index())
    figures = {name: float(won[name]) for name in ("score", "low", "high")}
    winner = {"method": method, "size": size, **figures}
    whole = float(table.loc[table["size"] == table["size"].max(), "score"].iloc[0])
    folds = baked.scores.shape[1]
    write_json(
        report / "bake_off.json", {"metric": baked.metric, "folds": folds, "winner": winner, "all": whole}
    )
    save_figure(report / "score_by_size.svg", plot_score_by_size(baked))
    save_figure(report / "stability_by_size.svg", plot_stability_by_size(baked))
