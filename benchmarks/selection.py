"""Selection: our methods against scikit-learn's and other packages', on the same outer folds in one run.

Each outer fold of the table (the chain's train rows after `make repro`, or `--generated`) is encoded on its
fitted rows, every method chooses `--keep` columns there, and quick boosted trees fitted on them answer the
held rows. Reported: mean R2, Nogueira's stability of the chosen sets over folds, median seconds of a choice.

`--rows 1000000 --columns 200` instead ranks a generated table of mixed columns once, by the filters and the
forest, and says how many of its ten columns that matter were found, in what time and memory;
`--bake-off` runs the bake-off on it, too.
"""

import argparse
import json
import resource
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from machine import machine
from mixed_table import MixedTable, mixed_table
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestRegressor
from sklearn.feature_selection import RFE, SelectFromModel, SequentialFeatureSelector
from sklearn.linear_model import LassoCV, Ridge
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from features.columns import is_constant, raw_inputs
from features.derive import with_derived
from features.encode import selection_frame, selection_frames
from features.selection.bake_off import bake_off
from features.selection.boosting import quick_boosting
from features.selection.catalog import METHODS, make_selectors
from features.selection.consensus import Consensus
from features.selection.stability import nogueira_index
from pipeline.columns import read_schema
from pipeline.tables import read_part

PREPARED = Path("data/prepared")
OURS = (
    "spearman",
    "anova",
    "lasso",
    "gini",
    "shap",
    "forward",
    "backward",
    "floating",
    "elimination",
    "boruta",
)
AGREEING = ("pearson", "lasso", "gini", "shap", "forward")
FILTERS = ("pearson", "spearman", "mutual_information", "anova", "gini")
OTHERS = {"boruta_py": "boruta", "feature_engine": "feature_engine.selection", "mRMR": "mrmr"}

Choose = Callable[[pd.DataFrame, "pd.Series[float]"], NDArray[np.bool_]]


def main() -> None:
    """Print the table and, last, ratios or sizes as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--generated", action="store_true", help="2,000 x 60 generated instead of the chain's"
    )
    parser.add_argument("--keep", type=int, default=20)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--rows", type=int, help="scale: rows of a generated table")
    parser.add_argument("--columns", type=int, default=200)
    parser.add_argument("--bake-off", action="store_true", help="scale: the bake-off, too")
    asked = parser.parse_args()
    warnings.filterwarnings("ignore", category=UserWarning)
    if asked.rows:
        scale(asked.rows, asked.columns, baked=asked.bake_off)
    else:
        compare(asked.keep, asked.folds, generated=asked.generated)


def compare(keep: int, folds: int, *, generated: bool) -> None:
    """The comparison with other packages' selectors."""
    table = _table(generated)
    raw = raw_inputs(table.frame, table.columns)
    varied = [column for column in table.columns if not is_constant(raw[column.name], column)]
    cuts = KFold(folds, shuffle=True, random_state=0).split(raw)
    parts = [
        (
            *selection_frames(raw.iloc[a], raw.iloc[b], varied, table.y.iloc[a]),
            table.y.iloc[a],
            table.y.iloc[b],
        )
        for a, b in cuts
    ]
    print(f"{len(raw)} x {len(varied)}, {keep} kept, {folds} outer folds; {machine()}")
    groups = {"ours": _ours(keep), "theirs": {**_sklearns(keep), **_others(keep)}}
    results = {}
    for group, choosers in groups.items():
        for name, choose in choosers.items():
            results[group, name] = _measured(choose, parts)
            print(f"  {name}: {results[group, name][2]:.2f} s", file=sys.stderr)
    print(f"{'':9}{'method':34}{'R2':>8}{'stability':>11}{'seconds':>10}")
    for (group, name), (score, stability, seconds) in sorted(results.items(), key=lambda item: -item[1][0]):
        print(f"{group:9}{name:34}{score:8.4f}{stability:11.2f}{seconds:10.2f}")
    print(json.dumps(_ratios(results)))


def _table(generated: bool) -> MixedTable:
    if generated:
        return mixed_table(2000, 60)
    schema = read_schema(PREPARED / "schema.json")
    train, price = read_part(PREPARED / "train.parquet", schema.target.name)
    frame = with_derived(raw_inputs(train, schema.columns), schema.formulas)
    return MixedTable(frame, schema.candidates, price.map(np.log1p), frozenset())


def _ours(keep: int) -> dict[str, Choose]:
    agreeing = list(make_selectors(AGREEING, keep, target="number", seed=0).items())
    selectors = {name: METHODS[name](keep) for name in OURS} | {"consensus": Consensus(agreeing, keep)}
    return {name: _support(selector) for name, selector in selectors.items()}


def _sklearns(keep: int) -> dict[str, Choose]:
    forest = RandomForestRegressor(100, max_features=1 / 3, min_samples_leaf=2, random_state=0)
    ridge = Ridge(1.0)
    bounded = {"max_features": keep, "threshold": -np.inf}
    return {
        "SelectFromModel(LassoCV)": _support(
            SelectFromModel(LassoCV(random_state=0), **bounded), scaled=True
        ),
        "SelectFromModel(RandomForest)": _support(SelectFromModel(forest, **bounded)),
        "RFE(RandomForest, step=0.1)": _support(RFE(forest, n_features_to_select=keep, step=0.1)),
        "RFE(Ridge, step=1)": _support(RFE(ridge, n_features_to_select=keep), scaled=True),
        "SequentialFeatureSelector(Ridge)": _support(
            SequentialFeatureSelector(ridge, n_features_to_select=keep, cv=3), scaled=True
        ),
    }


def _others(keep: int) -> dict[str, Choose]:
    """Those of the other packages that are installed; says which are not."""
    found: dict[str, Choose] = {}
    for package, module in OTHERS.items():
        try:
            found |= _of_package(package, import_module(module), keep)
        except ImportError:
            print(f"absent: {package} (pip install it to compare)")
    return found


def _of_package(package: str, module: Any, keep: int) -> dict[str, Choose]:
    if package == "boruta_py":
        forest = RandomForestRegressor(max_depth=5, random_state=0)
        boruta = module.BorutaPy(forest, n_estimators="auto", max_iter=50, random_state=0)

        def by_boruta(X: pd.DataFrame, y: "pd.Series[float]") -> NDArray[np.bool_]:
            order = np.argsort(boruta.fit(X.to_numpy(), y.to_numpy()).ranking_, kind="stable")
            return np.isin(np.arange(X.shape[1]), order[:keep])

        return {"BorutaPy": by_boruta}
    if package == "mRMR":

        def by_mrmr(X: pd.DataFrame, y: "pd.Series[float]") -> NDArray[np.bool_]:
            return np.asarray(X.columns.isin(module.mrmr_regression(X, y, K=keep, show_progress=False)))

        return {"mrmr_regression": by_mrmr}
    mrmr = module.MRMR(method="FCQ", max_features=keep, regression=True)
    return {"feature_engine MRMR": _support(mrmr)}


def _support(selector: Any, *, scaled: bool = False) -> Choose:
    model = make_pipeline(StandardScaler().set_output(transform="pandas"), selector) if scaled else selector

    def choose(X: pd.DataFrame, y: "pd.Series[float]") -> NDArray[np.bool_]:
        fitted = model.fit(X, y)
        return np.asarray((fitted[-1] if scaled else fitted).get_support())

    return choose


def _measured(choose: Choose, parts: list[Any]) -> tuple[float, float, float]:
    """Mean R2 on the held rows, stability, and median seconds, all on one thread."""
    scores, masks, seconds = [], [], []
    for fitted, held, y, y_held in parts:  # a column that is constant in a fold is offered to none
        mask = (fitted.min() < fitted.max()).to_numpy()
        with threadpool_limits(1):
            start = time.perf_counter()
            mask[mask] = choose(fitted.loc[:, mask], y)
            seconds.append(time.perf_counter() - start)
            model = quick_boosting("number", random_state=0).fit(fitted.loc[:, mask].to_numpy(), y)
            scores.append(r2_score(y_held, model.predict(held.loc[:, mask].to_numpy())))
        masks.append(mask)
    return float(np.mean(scores)), nogueira_index(np.array(masks)), float(np.median(seconds))


def _ratios(results: dict[tuple[str, str], tuple[float, float, float]]) -> dict[str, float]:
    """Ours over theirs; `unexplained` is 1 - R2, less is better."""
    ours, best = results["ours", "consensus"], max(r for (g, _), r in results.items() if g == "theirs")
    forward, sequential = results["ours", "forward"], results["theirs", "SequentialFeatureSelector(Ridge)"]
    return {
        "consensus_unexplained_vs_best_peer": round((1 - ours[0]) / (1 - best[0]), 4),
        "consensus_stability_minus_best_peer": round(ours[1] - best[1], 4),
        "forward_unexplained_vs_sequential": round((1 - forward[0]) / (1 - sequential[0]), 4),
        "forward_seconds_vs_sequential": round(forward[2] / sequential[2], 4),
    }


def scale(rows: int, columns: int, *, baked: bool) -> None:
    """Filters and forest, and the bake-off if `baked`, on a generated table of that size."""
    print(f"{rows:,} x {columns} generated, mixed; {machine()}")
    with _timed("generate"):
        table = mixed_table(rows, columns)
    with _timed("encode"):
        X = selection_frame(raw_inputs(table.frame, table.columns), table.columns, table.y)
    found = {}
    for name in FILTERS:
        selector = METHODS[name](len(table.answer) + 1)  # one more, for the twin of the first column
        with _timed(name):
            chosen = set(selector.fit(X, table.y).get_feature_names_out())
        found[name] = len(chosen & table.answer)
        print(f"    {found[name]} of {len(table.answer)} columns that matter")
    if baked:
        del X
        with _timed("bake-off"):
            result = bake_off(
                table.frame,
                table.columns,
                table.y,
                methods=AGREEING,
                sizes=[5, 10, 20, 50],
                folds=3,
                n_jobs=1,
            )
        print(result.summary().round(4).to_string(index=False))
        print("winner:", *result.winner())
    print(
        json.dumps(
            {"peak_gib": round(_peak_gib(), 2), **{f"found_by_{name}": n for name, n in found.items()}}
        )
    )


@contextmanager
def _timed(what: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    print(f"  {what:20}{time.perf_counter() - start:8.1f} s, peak {_peak_gib():.2f} GiB", flush=True)


def _peak_gib() -> float:
    """The most memory that this process has held; Linux counts in KiB, macOS in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**30 if sys.platform == "darwin" else 2**20)


if __name__ == "__main__":
    main()
