"""Architecture search: every method of ours, several seeds, judged by the table of all architectures.

A method may spend `--budget` of exhaustive compute (counted in rows trained on) and sees validation scores of
one training; it is judged by test scores. Reported over the seeds: median regret, the share that trained one
of the true top 1% within the budget and that returned one, the median compute until the first (`inf`: most
did not), Kendall's tau of the method's own ranking with a bootstrap interval, Spearman's rho.

`--table` takes a table that is still being made: methods are then judged on the architectures that it has.
"""

import argparse
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import machine
from tqdm import tqdm

from models.nas.catalog import SPACES, lesson_of
from models.nas.evaluate import FromTable
from models.nas.judge import Truth, exhaustive, judge, tau_interval
from models.nas.methods.catalog import DEFAULTS, METHODS
from models.nas.table import Table, packaged, read

PUBLISHED = {
    "one_shot": "tau 0.55 to 0.70 on NAS-Bench-201 (Ning et al. 2021, arXiv 2008.03064)",
    "zero_cost": "Spearman 0.82, votes of proxies, NAS-Bench-201 (Abdelfattah et al. 2021, arXiv 2101.08134)",
    "synflow": "Spearman 0.74, NAS-Bench-201, CIFAR-10 (Abdelfattah et al. 2021)",
    "jacobian_covariance": "Spearman 0.73, NAS-Bench-201, CIFAR-10 (Abdelfattah et al. 2021)",
}
"""What others measured, on another space and with other data."""


def main() -> None:
    """Print the table and, last, the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--space", choices=sorted(SPACES), default="cells")
    parser.add_argument("--table", type=Path, help="another table than the package's")
    parser.add_argument("--data-dir", type=Path, help="CIFAR-10 in a folder, for a table measured on it")
    parser.add_argument("--methods", nargs="+", choices=sorted(METHODS), default=None)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--budget", type=float, default=0.05, help="share of exhaustive compute")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    space = SPACES[asked.space]
    table = read(space, asked.table) if asked.table else packaged(space)
    names = asked.methods or [name for name in METHODS if space.network == "cell_cnn" or "shot" not in name]
    count, whole = len(table.architectures), len(space.architectures)
    print(f"{count} of {whole} architectures, budget {asked.budget:.0%}, {asked.seeds} seeds; {machine()}")
    print(f"data: {table.about['data']}, {table.about['rows']}")
    rows = {
        name: run(name, table, asked.data_dir, asked.budget, asked.seeds) for name in tqdm(names, leave=False)
    }
    for line in lines(rows):
        print(line)
    figures = {
        "complete": table.complete,
        "default": DEFAULTS[space.name],
        "top1pct_compute": rows.get(DEFAULTS[space.name], {}).get("top_compute"),
        "methods": rows,
    }
    print(json.dumps(figures))


def run(name: str, table: Table, folder: Path | None, share: float, seeds: int) -> dict[str, Any]:
    """Search with each seed and put the verdicts together."""
    lesson = lesson_of(table.space, folder)
    truth, total = Truth(table), exhaustive(table, lesson)
    evaluate = FromTable(table, lesson)
    histories = [METHODS[name](table.space, evaluate, int(share * total), seed) for seed in range(seeds)]
    verdicts = [judge(history, truth, total) for history in histories]
    low, high = tau_interval([history.ranking for history in histories], truth)
    return {
        "regret": _figure(np.median([each.regret for each in verdicts])),
        "compute": _figure(np.mean([each.compute for each in verdicts])),
        "found": _figure(np.mean([each.found for each in verdicts])),
        "returned": _figure(np.mean([each.returned for each in verdicts])),
        "top_compute": _figure(np.median([each.top_compute for each in verdicts])),
        "tau": _figure(np.mean([each.tau for each in verdicts])),
        "tau_low": _figure(low),
        "tau_high": _figure(high),
        "spearman": _figure(np.mean([each.spearman for each in verdicts])),
    }


def lines(rows: dict[str, dict[str, Any]]) -> list[str]:
    """The figures as a table for people."""
    names = ("regret", "found", "returned", "to top 1%", "tau", "95%", "rho")
    widths = (8, 7, 10, 11, 7, 15, 7)
    found = [
        "method".ljust(21)
        + "".join(name.rjust(width) for name, width in zip(names, widths, strict=True))
        + "  published"
    ]
    for name, row in rows.items():
        tau = "-" if row["tau"] is None else f"{row['tau']:.2f}"
        rho = "-" if row["spearman"] is None else f"{row['spearman']:.2f}"
        interval = "" if row["tau"] is None else f"{row['tau_low']:.2f} to {row['tau_high']:.2f}"
        top = "inf" if row["top_compute"] is None else f"{row['top_compute']:.3f}"
        found.append(
            f"{name:21}{row['regret']:8.4f}{row['found']:7.0%}{row['returned']:10.0%}{top:>11}"
            f"{tau:>7}{interval:>15}{rho:>7}  {PUBLISHED.get(name, '')}"
        )
    return found


def _figure(value: Any) -> float | None:
    """A number as JSON takes it: none for infinity and NaN."""
    return round(float(value), 4) if math.isfinite(value) else None


if __name__ == "__main__":
    main()
