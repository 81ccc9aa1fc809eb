"""The exported ensemble against AutoGluon's own `predict`, both from raw columns, in one process and run.

Run `make repro` first. AutoGluon's models are kept in memory (`persist`); its side encodes the raw columns by
the chain's fitted encoder and predicts, ours runs the one graph in onnxruntime. The two take turns; a ratio
is that of the medians. One row at a time, and ten thousand at once.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
from machine import machine

from models.ensemble import Ensemble
from pipeline.files import read_parquet
from pipeline.params import PARAMS_FILE, read_params
from pipeline.tables import read_selection

TURNS = {1: 15, 10_000: 3}
"""By number of rows, how often each side is asked."""


def main() -> None:
    """Print seconds and, last, the ratios as JSON."""
    wanted, chosen = read_params(PARAMS_FILE).export, read_selection(Path("data/selection"))
    ensemble = Ensemble(Path("artifacts/ensemble"))
    ensemble.predictor.persist()
    folder = Path(f"artifacts/models/{wanted.name}_ensemble/{wanted.version}")
    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    raw = chosen.raw(read_parquet(Path("data/evaluated.parquet")))
    print(f"seconds, medians of turns; {(folder / 'model.onnx').stat().st_size / 2**20:.0f} MiB; {machine()}")
    ratios = {}
    for rows, turns in TURNS.items():
        table = raw.iloc[np.arange(rows) % len(raw)].reset_index(drop=True)
        feeds = {str(name): table[[name]].to_numpy() for name in table.columns}

        def autogluon(table: pd.DataFrame = table) -> Any:
            return ensemble.predict(chosen.encode(table))

        def graph(feeds: dict[str, Any] = feeds) -> Any:
            return session.run(None, feeds)[0][:, 0]

        sides: dict[str, Callable[[], Any]] = {"autogluon": autogluon, "graph": graph}
        check(sides)
        seconds = medians(sides, turns)
        print(f"{rows:>7,} rows  " + "  ".join(f"{name} {value:.6f}" for name, value in seconds.items()))
        ratio = seconds["autogluon"] / seconds["graph"]
        ratios["graph_speedup_row" if rows == 1 else "graph_speedup_batch"] = round(ratio, 1)
    print(json.dumps(ratios))


def check(sides: dict[str, Callable[[], Any]]) -> None:
    """Both sides give one answer, else the figures mean nothing."""
    answers = [pd.Series(ask()) for ask in sides.values()]
    worst = float((answers[1] / answers[0] - 1).abs().max())
    if worst > 1e-5:
        sys.exit(f"error: the graph is {worst:.1e} off; run `make repro`")


def medians(sides: dict[str, Callable[[], Any]], turns: int) -> dict[str, float]:
    """Each side's median seconds; what is quick answers again until a tenth of a second has passed."""
    found: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(turns):
        for name, ask in sides.items():
            begun, times = time.perf_counter(), 0
            while not times or time.perf_counter() - begun < 0.1:
                ask()
                times += 1
            found[name].append((time.perf_counter() - begun) / times)
    return {name: statistics.median(values) for name, values in found.items()}


if __name__ == "__main__":
    main()
