"""Architecture search: every method of ours, several seeds, judged by the table of all architectures.

A method may spend `--budget` of exhaustive compute (counted in rows trained on) and sees validation scores of
one training; it is judged by test scores. Reported over the seeds: median regret, the share that trained one
of the true top 1% within the budget and that returned one, the median compute until the first (`inf`: most
did not), Kendall's tau of the method's own ranking with a bootstrap interval, Spearman's rho. The ceiling is
what training all and taking the best validation score gets.

`--table` takes a table that is still being made: methods are then judged on the architectures that it has.
`--report` also writes the page that `millrace nas compare` writes.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from machine import machine

from models.nas.catalog import SPACES, lesson_of
from models.nas.compare import ceiling, compare, figures, noise, suited
from models.nas.judge import Truth
from models.nas.methods.catalog import DEFAULTS, METHODS
from models.nas.table import packaged, read
from pipeline.nas_compare import write_comparison

PUBLISHED = {
    "one_shot": "tau 0.55 to 0.70",
    "zero_cost": "votes: 0.82 of pairs in order",
    "synflow": "rho 0.74",
    "jacobian_covariance": "rho 0.73",
}
"""What others measured, on another space and with other data; docs/nas.md names the sources."""


def main() -> None:
    """Print the table and, last, the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--space", choices=sorted(SPACES), default="cells")
    parser.add_argument("--table", type=Path, help="another table than the package's")
    parser.add_argument("--data-dir", type=Path, help="CIFAR-10 in a folder, for a table measured on it")
    parser.add_argument("--methods", nargs="+", choices=sorted(METHODS), default=None)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--budget", type=float, default=0.05, help="share of exhaustive compute")
    parser.add_argument("--jobs", type=int, default=1, help="searches at a time; the figures are the same")
    parser.add_argument("--report", type=Path, help="a folder for the page with the plots")
    asked = parser.parse_args()
    space = SPACES[asked.space]
    table = read(space, asked.table) if asked.table else packaged(space)
    names, seeds = asked.methods or suited(space), range(asked.first_seed, asked.first_seed + asked.seeds)
    count, whole = len(table.architectures), len(space.architectures)
    print(f"{count} of {whole} architectures, budget {asked.budget:.0%}, {asked.seeds} seeds; {machine()}")
    print(f"data: {table.about['data']}, {table.about['rows']}")
    lesson, truth = lesson_of(space, asked.data_dir), Truth(table)
    runs = compare(table, lesson, names, seeds, asked.budget, jobs=asked.jobs)
    rows = {name: figures([run for run in runs if run.method == name], truth) for name in names}
    top, alike = ceiling(table, truth), noise(table)
    for line in [*lines(rows, PUBLISHED if asked.space == "cells" else {}), *remarks(top, alike)]:
        print(line)
    if asked.report:
        write_comparison(asked.report, table, lesson, runs, asked.budget)
    default = DEFAULTS[space.name]
    told = {"complete": table.complete, "default": default, "ceiling": top, "noise": alike}
    told["methods"] = rows
    print(json.dumps({"top1pct_compute": rows.get(default, {}).get("top_compute"), **told}))


def lines(rows: dict[str, dict[str, Any]], published: dict[str, str]) -> list[str]:
    """The figures as a table for people."""
    names = ("regret", "compute", "found", "returned", "to top 1%", "tau", "95%", "rho")
    widths = (8, 9, 7, 10, 11, 7, 15, 7)
    found = [
        "method".ljust(21)
        + "".join(name.rjust(width) for name, width in zip(names, widths, strict=True))
        + ("  published" if published else "")
    ]
    for name, row in rows.items():
        tau = "-" if row["tau"] is None else f"{row['tau']:.2f}"
        rho = "-" if row["spearman"] is None else f"{row['spearman']:.2f}"
        interval = "" if row["tau"] is None else f"{row['tau_low']:.2f} to {row['tau_high']:.2f}"
        top = "inf" if row["top_compute"] is None else f"{row['top_compute']:.3f}"
        found.append(
            f"{name:21}{row['regret']:8.4f}{row['compute']:9.3f}{row['found']:7.0%}{row['returned']:10.0%}{top:>11}"
            f"{tau:>7}{interval:>15}{rho:>7}  {published.get(name, '')}"
        )
    return found


def remarks(top: dict[str, Any], alike: dict[str, Any]) -> list[str]:
    """What the table itself allows, in lines for people."""
    better = f"{top['share_above']:.1%} are better"
    found = [
        f"ceiling: the best of all by validation score has regret {top['regret']:.4f}, {better}; "
        f"the first of the true top 1% is number {top['places']}; tau {top['tau']:.2f}"
    ]
    if alike["validation"] is not None:
        found.append(
            f"noise: tau between two of {alike['seeds']} seeds, {alike['architectures']} architectures: "
            f"{alike['validation']:.2f} on validation rows, {alike['better_half']:.2f} among the better "
            f"half, {alike['test']:.2f} on test rows"
        )
    return found


if __name__ == "__main__":
    main()
