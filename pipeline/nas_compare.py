"""The page of a comparison of methods: their figures, their searches and their rankings side by side."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from models.nas.catalog import lesson_of, space_of
from models.nas.compare import Figures, Run, ceiling, compare, figures, suited
from models.nas.history import History
from models.nas.judge import Truth, exhaustive
from models.nas.lesson import Lesson
from models.nas.table import Table, packaged
from models.plots_nas import plot_progress, plot_ranks, plot_regrets
from pipeline.files import whole_folder, write_csv, write_json
from pipeline.nas_report import SCORES, rank_pairs, write_page

HEADS = (
    "method",
    "median regret",
    "compute",
    "trained a top 1%",
    "returned one",
    "compute to it",
    "tau",
    "95%",
)


def compare_methods(
    space_name: str,
    methods: Sequence[str],
    report: Path,
    *,
    seeds: int,
    share: float,
    jobs: int | None = None,
    folder: Path | None = None,
) -> dict[str, Figures]:
    """Compare `methods` (none: all that suit the space) by the packaged table and write `report`.

    Returns the figures by method.
    """
    space = space_of(space_name)
    table, lesson = packaged(space), lesson_of(space, folder)
    runs = compare(table, lesson, methods or suited(space), range(seeds), share, jobs=jobs)
    return write_comparison(report, table, lesson, runs, share)


def write_comparison(
    report: Path, table: Table, lesson: Lesson, runs: Sequence[Run], share: float
) -> dict[str, Figures]:
    """Write the runs, their figures and the page with the plots; returns the figures by method."""
    truth, total = Truth(table), exhaustive(table, lesson)
    by_method: dict[str, list[Run]] = {}
    for run in runs:
        by_method.setdefault(run.method, []).append(run)
    found = {name: figures(each, truth) for name, each in by_method.items()}
    top = ceiling(table, truth)
    drawn = {
        "progress": plot_progress(
            {name: [_curve(run.history, total) for run in each] for name, each in by_method.items()},
            value=SCORES[table.space.name], share=share,
            best=max(table.seen(each, lesson.epochs) for each in table.architectures),
        ),
        "regrets": plot_regrets(
            {name: [run.verdict.regret for run in each] for name, each in by_method.items()},
            top=truth.best - min(score for each, score in truth.scores.items() if truth.is_top(each)),
            ceiling=float(top["regret"] or 0.0),
        ),
    }  # fmt: skip
    if ranks := rank_pairs({name: each[0].history for name, each in by_method.items()}, truth):
        drawn["ranks"] = plot_ranks(ranks)
    seeds = len({run.seed for run in runs})
    words = [
        f"{len(table.architectures):,} architectures of {table.space.name}, each trained on "
        f"{table.about['data']}; {share:.0%} of exhaustive compute, {seeds} seeds.",
        f"The best of all by validation score, which is all that a method sees, has regret "
        f"{top['regret']:.4f}; {top['share_above']:.1%} of the architectures are truly better.",
    ]
    with whole_folder(report) as fresh:
        write_csv(fresh / "runs.csv", _runs(runs))
        write_json(fresh / "comparison.json", {"ceiling": top, "methods": found})
        write_page(fresh, "Architecture search, method by method", words, drawn, [HEADS, *_rows(found)])
    return found


def _curve(history: History, total: int) -> list[tuple[float, float]]:
    """Points (share of exhaustive compute, best validation score of a full training so far)."""
    points: list[tuple[float, float]] = []
    for trial in history.trials:
        if trial.epochs == history.full and (not points or trial.score > points[-1][1]):
            points.append((trial.spent / total, trial.score))
    return points


def _runs(runs: Sequence[Run]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "method": run.method, "seed": run.seed, "architecture": "|".join(run.history.best.architecture),
            "score": run.history.best.score, "spent": run.history.spent, "regret": run.verdict.regret,
            "found": run.verdict.found, "returned": run.verdict.returned, "tau": run.verdict.tau,
        }
        for run in runs
    )  # fmt: skip


def _rows(found: dict[str, Figures]) -> list[list[str]]:
    """The figures as a table for people, the least regret first."""
    rows = []
    for name, row in sorted(found.items(), key=lambda item: item[1]["regret"] or 0.0):
        tau = "" if row["tau"] is None else f"{row['tau']:.2f}"
        interval = "" if row["tau"] is None else f"{row['tau_low']:.2f} to {row['tau_high']:.2f}"
        top = "most seeds: none" if row["top_compute"] is None else f"{row['top_compute']:.1%}"
        shares = [f"{row['found']:.0%}", f"{row['returned']:.0%}"]
        rows.append([name, f"{row['regret']:.4f}", f"{row['compute']:.1%}", *shares, top, tau, interval])
    return rows
