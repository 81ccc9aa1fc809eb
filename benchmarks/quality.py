"""Quality on test rows: the chain's models against default boosting, our ensemble against plain AutoGluon.

Run `make repro` first. On the Ames test split the chain's ensemble and network stand against CatBoost and
LightGBM as their documentation starts (default settings, every raw column, categories as text), fitted here
on the same training rows, once on the price and once on its logarithm; the ratio is taken against the better
CatBoost (RMSLE). Then `plain_autogluon.py` compares on Ames and the other tables of `real_tables.py`; what
counts is the worst table's ratio. Less is better.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from machine import machine

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # before the libraries: idle threads of all sides sleep

from default_boosting import peers
from plain_autogluon import PEERS, Side, autogluon, interval, ours
from real_tables import TABLES, RealTable, chain_table, read_table

from models.metrics import rmsle
from pipeline.columns import read_schema
from pipeline.files import read_parquet
from pipeline.params import read_params

USUAL, QUICK = "ames,saratoga,diamonds,bikes,adults,bank,wine", "ames,wine"
PREPARED, SELECTION, EVALUATED = Path("data/prepared"), Path("data/selection"), Path("data/evaluated.parquet")


def main() -> None:
    """Print the tables and, last, the ratios as JSON."""
    wanted = arguments()
    settings = read_params().ensemble.model_copy(update={"quality": wanted.quality}).settings()
    print(machine())
    ratios = against_boosting(quick=wanted.quick) if "ames" in wanted.sets else {}
    worst = 0.0
    for name in wanted.sets:
        table = chain_table(PREPARED, SELECTION) if name == "ames" else read_table(name, wanted.data)
        worst = max(worst, against_autogluon(table.first(600) if wanted.quick else table, settings))
    print(json.dumps({**ratios, "ensemble_vs_autogluon": round(worst, 4)}))


def arguments() -> argparse.Namespace:
    """What is asked for on the command line; exits for a table or a preset that there is not."""
    presets, parser = read_params().ensemble, argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK}, of 600 rows: shows that it runs")
    parser.add_argument("--sets", help=f"which tables, with commas: of ames, {', '.join(TABLES)}")
    parser.add_argument("--data", type=Path, default=Path("../shared/data/tabular"), help="their folder")
    parser.add_argument(
        "--quality", choices=list(presets.presets), default=presets.quality, help="our preset, of params.yaml"
    )
    found = parser.parse_args()
    found.sets = (found.sets or (QUICK if found.quick else USUAL)).split(",")
    strange = [name for name in found.sets if name not in ("ames", *TABLES)]
    if strange:
        parser.error(f"expected tables among ames, {', '.join(TABLES)}, got {strange[0]!r}")
    return found


def against_boosting(*, quick: bool) -> dict[str, float]:
    """Print RMSLE of the chain's models and of default boosting; the ratios to the better CatBoost."""
    if not EVALUATED.exists():
        sys.exit(f"error: {EVALUATED} is absent: run `make repro`, or choose other tables with --sets")
    schema = read_schema(PREPARED / "schema.json")
    train, answers = read_parquet(PREPARED / "train.parquet"), read_parquet(EVALUATED)
    truth = answers[schema.target.name].to_numpy("float64")
    print(f"RMSLE on {len(truth)} test rows, {len(train)} training rows")
    ours = {
        name.removeprefix("predicted_"): answers[name].to_numpy("float64")
        for name in answers.columns
        if name.startswith("predicted_")
    }
    scores = {name: float(rmsle(truth, values)) for name, values in ours.items()}
    for name, fit in peers(quick=quick).items():
        start = time.perf_counter()
        scores[name] = float(rmsle(truth, fit(schema, train, answers)))
        print(f"  fitted {name} in {time.perf_counter() - start:.0f} s", file=sys.stderr)
    for name, score in sorted(scores.items(), key=lambda item: item[1]):
        print(f"  {name:<22} {score:.4f}")
    catboost = min(score for name, score in scores.items() if name.startswith("catboost"))
    return {f"{name}_vs_catboost": round(scores[name] / catboost, 4) for name in ("ensemble", "network")}


def against_autogluon(table: RealTable, settings: dict[str, Any]) -> float:
    """Print both sides' errors and seconds; the ratio of our error to the better AutoGluon's."""
    error = "log loss" if table.kind == "category" else "RMSLE" if table.log else "RMSE"
    print(f"{table.name}: {error} on {len(table.test)} test rows, {len(table.train)} training rows")
    mine = ours(table, settings)
    show(mine)
    sides = [autogluon(name, table, threads=settings["threads"], time_limit_s=mine.fit_s) for name in PEERS]
    for side in sides:
        show(side)
    best = min(sides, key=lambda side: side.error)
    ratio, (low, high) = mine.error / best.error, interval(mine, best)
    print(f"  ratio {ratio:.4f} to {best.name}, 95% interval {low:.3f} to {high:.3f}", flush=True)
    return ratio


def show(side: Side) -> None:
    """Print one side's line, and tell the terminal how far it is."""
    print(f"  {side.name:<22} {side.error:.4f}  fit {side.fit_s:4.0f} s, predict {side.predict_s:5.1f} s")
    print(f"  {side.name}: done", file=sys.stderr)


if __name__ == "__main__":
    main()
