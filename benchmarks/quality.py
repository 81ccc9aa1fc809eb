"""Quality on the test split: the chain's ensemble and network against boosting with default settings.

Run `make repro` first. The peers are CatBoost and LightGBM as their documentation starts (default settings,
every raw column, categories as text), fitted here on the same training rows, once on the price and once on
its logarithm; the ratio is taken against the better CatBoost. RMSLE, less is better.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from machine import machine

from features.columns import raw_inputs
from models.metrics import rmsle
from pipeline.columns import Schema, read_schema
from pipeline.files import read_parquet

PREPARED, EVALUATED = Path("data/prepared"), Path("data/evaluated.parquet")


def main() -> None:
    """Print the table and, last, the ratios as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="CatBoost on the price only")
    quick = parser.parse_args().quick
    schema = read_schema(PREPARED / "schema.json")
    train, answers = read_parquet(PREPARED / "train.parquet"), read_parquet(EVALUATED)
    truth = answers[schema.target.name].to_numpy("float64")
    print(f"RMSLE on {len(truth)} test rows, {len(train)} training rows; {machine()}")
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
    ratios = {f"{name}_vs_catboost": round(scores[name] / catboost, 4) for name in ("ensemble", "network")}
    print(json.dumps(ratios))


def peers(*, quick: bool) -> dict[str, Any]:
    """The peers by name."""
    if quick:
        return {"catboost": lambda *tables: catboost(*tables, log=False)}
    return {
        "catboost": lambda *tables: catboost(*tables, log=False),
        "catboost of log price": lambda *tables: catboost(*tables, log=True),
        "lightgbm": lambda *tables: lightgbm(*tables, log=False),
        "lightgbm of log price": lambda *tables: lightgbm(*tables, log=True),
    }


def catboost(schema: Schema, train: pd.DataFrame, test: pd.DataFrame, *, log: bool) -> Any:
    """Predictions of CatBoost with default settings."""
    from catboost import CatBoostRegressor

    names = [column.name for column in schema.columns if column.kind == "category"]
    model = CatBoostRegressor(verbose=0, allow_writing_files=False, random_seed=0, cat_features=names)
    return _fit_predict(
        model, schema, raw_inputs(train, schema.columns), train, raw_inputs(test, schema.columns), log=log
    )


def lightgbm(schema: Schema, train: pd.DataFrame, test: pd.DataFrame, *, log: bool) -> Any:
    """Predictions of LightGBM with default settings."""
    from lightgbm import LGBMRegressor

    both = raw_inputs(pd.concat([train, test], keys=["train", "test"]), schema.columns)
    for column in schema.columns:
        if column.kind == "category":
            both[column.name] = both[column.name].astype("category")
    parts = {name: both.loc[[name]].droplevel(0) for name in ("train", "test")}
    model = LGBMRegressor(verbose=-1, random_state=0, n_jobs=1)
    return _fit_predict(model, schema, parts["train"], train, parts["test"], log=log)


def _fit_predict(
    model: Any, schema: Schema, X: pd.DataFrame, train: pd.DataFrame, X_test: pd.DataFrame, *, log: bool
) -> Any:
    y = train[schema.target.name].to_numpy("float64")
    model.fit(X, np.log1p(y) if log else y)
    return np.expm1(model.predict(X_test)) if log else model.predict(X_test)


if __name__ == "__main__":
    main()
