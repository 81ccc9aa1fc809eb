"""Drift: the index by hand, windows that slide, a warning once, and a started service that tells of it."""

import logging
import time
from math import log
from typing import Any

import numpy as np
import pytest
import requests

from serving.bundle import Bundle, CategoryHistogram, Input, NumberHistogram, Output
from serving.bundle_files import write_bundle
from serving.drift import WINDOW_ROWS, Drift, Feature, Window
from serving.metrics import Metrics
from serving.model import Model

BUNDLE = Bundle(
    name="m",
    version=1,
    task="t",
    inputs=(
        Input(name="x", datatype="FP32", kind="number"),
        Input(name="c", datatype="BYTES", kind="category"),
    ),
    outputs=(Output(name="y", datatype="FP32"),),
    histograms={
        "x": NumberHistogram(edges=(0.0, 1.0, 2.0, 3.0, 4.0), counts=(40, 30, 1, 29), missing=0),
        "c": CategoryHistogram(categories={"a": 50, "b": 50}, missing=25),
    },
)


def rows(x: list[float], c: list[str]) -> dict[str, Any]:
    return {"x": np.array(x, np.float32)[:, None], "c": np.array(c, object)[:, None]}


def test_the_index_by_hand() -> None:
    feature = Feature("x", BUNDLE.histograms["x"])
    assert feature.shares.tolist() == [0.4, 0.3, 0.3]
    counts = np.bincount(
        feature.bins(np.array([-5.0, 0.5, 1.5, 2.5, 9.0, np.nan], np.float32)), minlength=feature.size
    )
    assert counts.tolist() == [2, 1, 2, 1, 0]
    found = feature.drift(counts)
    expected = sum((p - q) * log(p / q) for p, q in ((0.4, 0.4), (0.2, 0.3), (0.4, 0.3)))
    assert found.psi == pytest.approx(expected, abs=1e-6)
    assert found.missing == pytest.approx(1 / 6)


def test_unseen_and_missing_categories() -> None:
    feature = Feature("c", BUNDLE.histograms["c"])
    counts = np.bincount(feature.bins(np.array(["a", "b", "z", ""], object)), minlength=feature.size)
    found = feature.drift(counts)
    assert (found.psi, found.unseen, found.missing, found.missing_in_training) == (0.0, 0.25, 0.25, 0.2)


def test_a_window_forgets_what_is_old() -> None:
    window = Window(BUNDLE)
    for _ in range(3):
        window.add(rows([0.5] * 4000, ["a"] * 4000))
    assert window.rows == WINDOW_ROWS
    window.add(rows([3.5] * WINDOW_ROWS, ["z"] * WINDOW_ROWS))
    assert window.counts()["x"].tolist() == [0, 0, WINDOW_ROWS, 0, 0]
    window.add(rows([], []))
    assert window.rows == WINDOW_ROWS


def test_a_shift_is_said_once_until_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    model, drift = Model(BUNDLE, None), Drift(Metrics())
    good = rows([0.5] * 40 + [1.5] * 30 + [3.5] * 30, ["a", "b"] * 50)

    def ask(arrays: dict[str, Any], times: int) -> None:
        for _ in range(times):
            model.see(arrays, len(arrays["x"]))
            drift.look([model])

    with caplog.at_level(logging.WARNING):
        ask(good, 6)
        assert caplog.messages == []
        ask(rows([3.5] * 100, ["a", "b"] * 50), 20)
        assert [message.partition(":")[0] for message in caplog.messages] == ["m version 1"]
        assert "input 'x' has shifted" in caplog.messages[0]
        ask(good, 110)
        ask(rows([3.5] * 100, ["a", "b"] * 50), 100)
    assert len(caplog.messages) == 2
    assert drift.report(BUNDLE)[1][0].name == "x"


def test_a_service_tells_of_it(tmp_path: Any, small: Any, starting: Any) -> None:
    histograms = {"area": NumberHistogram(edges=(0.0, 50.0, 100.0, 150.0), counts=(10, 80, 10))}
    bundle = small.price_bundle(1).model_copy(update={"histograms": histograms})
    write_bundle(tmp_path / "price" / "1", small.price_graph(), bundle)
    running = starting(tmp_path)
    assert requests.get(f"{running.url}/models/price/drift", timeout=30).json()["rows"] == 0
    records = [{"area": 140.0, "rooms": 2, "quality": "Good"}, {"area": None, "rooms": 2, "quality": "Good"}]
    requests.post(f"{running.url}/models/price/predict", json=records * 200, timeout=30)
    deadline = time.monotonic() + 20
    report: dict[str, Any] = {"rows": 0}
    while report["rows"] == 0 and time.monotonic() < deadline:
        time.sleep(0.1)
        report = requests.get(f"{running.url}/models/price/drift", timeout=30).json()
    (area,) = report["inputs"]
    assert (area["name"], area["missing"]) == ("area", 0.5)
    assert area["psi"] > 1
    page = requests.get(f"{running.url}/metrics", timeout=30).text
    assert 'millrace_drift_psi{input="area",model="price",version="1"}' in page
    assert 'millrace_missing_share{input="area",model="price",version="1"} 0.5' in page
