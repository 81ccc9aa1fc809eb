"""The exported graphs, ensemble and network, against AutoGluon's own `predict`, from raw columns, in one run.

Run `make repro` first. AutoGluon's models are kept in memory (`persist`) and answer by its own classes,
not by the chain's of `models.steady`, once the graph has been found equal to these. Its side encodes the
raw columns by the chain's fitted encoder and predicts, ours runs one graph in onnxruntime. They take
turns; a ratio is that of the medians. One row at a time, and ten thousand at once. The network
("student") learnt from the ensemble: `student_vs_ensemble` is the ratio of their RMSLE on the test rows.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
from machine import machine

from models.ensemble import Ensemble
from models.metrics import rmsle
from pipeline.files import read_parquet
from pipeline.params import PARAMS_FILE, read_params
from pipeline.tables import Selection, read_selection

TURNS = {1: 15, 10_000: 3}
"""By number of rows, how often each side is asked."""


def main() -> None:
    """Print seconds and, last, the ratios as JSON."""
    wanted, chosen = read_params(PARAMS_FILE).export, read_selection(Path("data/selection"))
    ensemble, tested = Ensemble(Path("artifacts/ensemble")), read_parquet(Path("data/evaluated.parquet"))
    ensemble.predictor.persist()
    whole, student = (session(f"{wanted.name}{what}/{wanted.version}") for what in ("_ensemble", ""))
    raw = chosen.raw(tested)
    check(partial(autogluon, ensemble, chosen, raw), partial(ask, whole, feeds_of(raw)))
    as_autogluon_has_them(ensemble)
    print(f"seconds, medians of turns; {machine()}")
    seconds = {}
    for rows, turns in TURNS.items():
        table = raw.iloc[np.arange(rows) % len(raw)].reset_index(drop=True)
        feeds = feeds_of(table)
        sides: dict[str, Callable[[], Any]] = {
            "autogluon": partial(autogluon, ensemble, chosen, table),
            "ensemble graph": partial(ask, whole, feeds),
            "network graph": partial(ask, student, feeds),
        }
        seconds[rows] = medians(sides, turns)
        print(f"{rows:>7,} rows  " + "  ".join(f"{name} {took:.6f}" for name, took in seconds[rows].items()))
    truth = tested[chosen.inputs.target.name].to_numpy("float64")
    errors = {name: rmsle(truth, tested[f"predicted_{name}"].to_numpy()) for name in ("network", "ensemble")}
    row, (_, batch) = seconds[1], seconds.values()
    ratios = {
        "graph_speedup_row": row["autogluon"] / row["ensemble graph"],
        "graph_speedup_batch": batch["autogluon"] / batch["ensemble graph"],
        "student_speedup_row": row["ensemble graph"] / row["network graph"],
        "student_vs_ensemble": errors["network"] / errors["ensemble"],
    }
    print(json.dumps({name: float(f"{ratio:.4g}") for name, ratio in ratios.items()}))


def session(folder: str) -> onnxruntime.InferenceSession:
    """The graph of a bundle, in onnxruntime's default settings."""
    path = Path("artifacts/models") / folder / "model.onnx"
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def autogluon(ensemble: Ensemble, chosen: Selection, table: pd.DataFrame) -> Any:
    """AutoGluon's answers to raw rows."""
    return ensemble.predict(chosen.encode(table))


def ask(graph: onnxruntime.InferenceSession, feeds: dict[str, Any]) -> Any:
    """A graph's answers to raw columns."""
    return graph.run(None, feeds)[0][:, 0]


def feeds_of(table: pd.DataFrame) -> dict[str, Any]:
    """Raw columns as a graph takes them."""
    return {str(name): table[[name]].to_numpy() for name in table.columns}


def as_autogluon_has_them(ensemble: Ensemble) -> None:
    """Let AutoGluon's own classes answer for those of `models.steady`, from the same fitted content."""
    for bag in ensemble.predictor._trainer.models.values():
        if hasattr(bag, "models"):
            bag.models = [own_class(child) for child in bag.models]


def own_class(child: Any) -> Any:
    """The model as one of AutoGluon's."""
    if type(child).__module__ != "models.steady":
        return child
    kind = next(kind for kind in type(child).__mro__ if kind.__module__ != "models.steady")
    plain: Any = object.__new__(kind)
    plain.__dict__ = child.__dict__
    return plain


def check(python: Callable[[], Any], graph: Callable[[], Any]) -> None:
    """AutoGluon and its graph give one answer, else the figures mean nothing."""
    worst = np.abs(graph() / python() - 1).max()
    if worst > 1e-5:
        sys.exit(f"error: the graph is {worst:.1e} off; run `make repro`")


def medians(sides: dict[str, Callable[[], Any]], turns: int) -> dict[str, float]:
    """Each side's median seconds; what is quick answers again until a tenth of a second has passed."""
    found: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(turns):
        for name, side in sides.items():
            begun, times = time.perf_counter(), 0
            while not times or time.perf_counter() - begun < 0.1:
                side()
                times += 1
            found[name].append((time.perf_counter() - begun) / times)
    return {name: statistics.median(values) for name, values in found.items()}


if __name__ == "__main__":
    main()
