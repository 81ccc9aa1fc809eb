"""Behavioural tests as the export's gate and against a running service, on a small chain of one table."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import requests
import yaml

from features.columns import Column, raw_inputs
from features.encode import build_encoder
from models.conformal import covered, fit_interval
from models.errors import BehaviourError
from models.metrics import bootstrap_metrics, rmsle, slice_metrics
from models.table import fit_network, predict_network, save_network
from pipeline.columns import Schema
from pipeline.errors import ParamsError, ServiceError
from pipeline.export import main as export
from pipeline.files import read_json, write_csv, write_json, write_parquet
from pipeline.live import LiveModel, check_service
from pipeline.params import PARAMS_FILE
from pipeline.picked import Picked, write_picked
from pipeline.tables import Selection, write_selection
from serving.bundle import Bundle, Input, Output
from serving.records import read_records
from tests.serving.conftest import start, stop

pytestmark = pytest.mark.slow

LEVELS = ("Poor", "Fair", "Good")
COLUMNS = (
    Column("area", "number", unit="sqft"),
    Column("quality", "category", levels=LEVELS, ordered=True),
    Column("town", "category"),
)
BEHAVIOUR: dict[str, Any] = {
    "same_factor": 1.00001,
    "ignored": ["listing_no"],
    "directions": [
        {"name": "larger", "steps": {"area": 200}, "at_least": 0.02},
        {"name": "better", "steps": {"quality": 1}, "at_least": 0.02},
    ],
    "cases": [{"name": "good", "record": {"area": 1600, "quality": "Good"}, "between": [150000, 400000]}],
    "baseline": "median",
    "slice_rows": 5,
    "slice_factor": 1.0,
    "missing_factor": 2.5,
    "unseen_factor": 1.5,
}  # fmt: skip


def houses(count: int, seed: int, price: Callable[[pd.DataFrame], Any]) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "pid": [f"{seed}-{row}" for row in range(count)],
            "area": rng.uniform(800, 2500, count),
            "quality": rng.choice(LEVELS, count),
            "town": rng.choice(["Ames", "North Ames", "Boone"], count),
        }
    )
    return frame.assign(price=price(frame))


def honest(frame: pd.DataFrame) -> "pd.Series[float]":
    return 40_000 + 90 * frame["area"] + 40_000 * frame["quality"].map(LEVELS.index)


def reversed_area(frame: pd.DataFrame) -> "pd.Series[float]":
    return 400_000 - 90 * frame["area"] + 40_000 * frame["quality"].map(LEVELS.index)


def without_quality(frame: pd.DataFrame) -> "pd.Series[float]":
    return 60_000 + 90 * frame["area"]


def chain(folder: Path, price: Callable[[pd.DataFrame], Any]) -> list[Path]:
    """Write what the stages before export write, for a network that has learnt `price`; gives their paths."""
    train, test = houses(240, 0, price), houses(60, 1, price)
    encoder = build_encoder(COLUMNS).fit(raw_inputs(train, COLUMNS))
    chosen = Selection(COLUMNS, Schema("pid", Column("price", "number"), COLUMNS, {}), encoder)
    network, _ = fit_network(
        (chosen.encode(train), train["price"]), (chosen.encode(test), test["price"]),
        network="tabm", params={"network": {"members": 4, "width": 32}, "training": {"lr": 0.01}},
        epochs=20, patience=None, seed=0, threads=1, output="price", progress=False,
    )  # fmt: skip
    answers = predict_network(network, chosen.encode(test))
    assert rmsle(test["price"].to_numpy(), answers) < 0.1, "the network has not learnt the price"
    (folder / "selection").mkdir()
    write_selection(folder / "selection", chosen)
    save_network(network, folder / "network")
    write_parquet(folder / "prepared/train.parquet", train)
    told = {
        "predicted_network": answers,
        "predicted_median": train["price"].median(),
        "slice_town": test["town"],
    }
    write_parquet(folder / "rows.parquet", test.assign(**told))
    write_reports(folder, test["price"].to_numpy(), answers, test["town"])
    write_picked(folder / "picked.json", Picked("network"))
    names = (
        "prepared", "selection", "ensemble", "network", "picked.json", "rows.parquet", "reports", "models",
    )  # fmt: skip
    return [folder / name for name in names]


def write_reports(folder: Path, truth: Any, answers: Any, town: "pd.Series[str]") -> None:
    """What prepare, parse and evaluate tell of the data and the figures."""
    rows = {"train": 240, "validation": 60, "test": len(truth)}
    write_json(folder / "prepared/counts.json", {"rows": rows})
    write_json(folder / "reports/parse.json", {"site": "houses", "records": 360})
    told = {"network": answers}
    metrics = bootstrap_metrics(truth, told, resamples=20, confidence=0.95, seed=0)
    interval = fit_interval(truth, answers, coverage=0.9, log_target=True)
    intervals = {"network": {**asdict(interval), "held": covered(truth, *interval.around(answers))}}
    write_json(folder / "reports/evaluate/metrics.json", {"models": metrics, "intervals": intervals})
    slices = slice_metrics(truth, told, {"town": town}, {"network": interval})
    write_csv(folder / "reports/evaluate/slices.csv", slices)


def params(folder: Path, **changes: Any) -> Path:
    data = yaml.safe_load(PARAMS_FILE.read_text())
    data["export"]["behaviour"] = {**BEHAVIOUR, **changes}
    data["export"]["card"] |= {"period": None, "few_rows": 5}
    path = folder / "params.yaml"
    path.write_text(yaml.safe_dump(data))
    return path


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small chain whose network behaves, with its bundle."""
    folder = tmp_path_factory.mktemp("honest")
    export(*chain(folder, honest), params(folder))
    return folder


@pytest.fixture(scope="module")
def url(exported: Path) -> Iterator[str]:
    running = start(exported / "models")
    assert running.url, running.process.communicate(timeout=20)[1]
    yield running.url
    assert "Traceback" not in stop(running)


def test_a_model_that_behaves_is_written_with_what_was_measured(exported: Path) -> None:
    told = read_json(exported / "models/ames_price/1/behaviour.json")
    assert told["paths"] == ["Python", "graph"]
    assert all(test["passed"] for test in told["tests"])
    kinds = {test["kind"] for test in told["summary"]}
    assert kinds == {"invariance", "direction", "minimum", "slices", "robustness"}
    for test in told["tests"]:
        assert test["measured"]["Python"] == pytest.approx(test["measured"]["graph"], rel=1e-4, abs=1e-6)
    assert sum(one["tests"] for one in told["summary"]) == len(told["tests"])
    (larger,) = (test for test in told["tests"] if test["check"] == "larger")
    assert 0.05 < larger["measured"]["graph"] < 0.2


def test_the_bundle_carries_a_model_card(exported: Path, url: str) -> None:
    told = requests.get(f"{url}/models/ames_price/card", timeout=30).json()
    assert told == read_json(exported / "models/ames_price/1/bundle.json")["card"]
    assert told["model"].startswith("A neural network (tabm, ")
    assert told["data"]["rows"] == {"train": 240, "validation": 60, "test": 60}
    assert {one["name"] for one in told["slices"]} == {"Ames", "North Ames", "Boone"}
    text = " ".join(told["limits"])
    for words in (
        "A single answer",
        "By town the error is largest",
        "area 8",
        "A missing field",
        "parity.json",
    ):
        assert words in text
    written = (exported / "models/ames_price/1/model_card.md").read_text(encoding="utf-8")
    assert "# ames_price, version 1" in written


@pytest.mark.parametrize(
    ("price", "says"),
    [
        (reversed_area, r"^Python: direction, larger, area \+200: expected at least 0\.02, got -0\..+ \(row"),
        (without_quality, r"^Python: direction, better, quality \+1: expected at least 0\.02, got .+ \(row"),
    ],
    ids=["reverses direction", "ignores a column"],
)  # fmt: skip
def test_a_model_that_does_not_behave_is_not_exported(
    tmp_path: Path, price: Callable[[pd.DataFrame], Any], says: str
) -> None:
    stages = chain(tmp_path, price)
    with pytest.raises(BehaviourError, match=says) as raised:
        export(*stages, params(tmp_path, cases=[]))
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "models").exists()


def test_the_service_passes_the_tests_of_the_graph(exported: Path, url: str, tmp_path: Path) -> None:
    lines = list(check_service(url, exported / "selection", exported / "rows.parquet", params(tmp_path)))
    assert any(line.startswith("invariance  extra spaces          2 of 2 passed") for line in lines)
    assert any(line.startswith("invariance  new listing number    2 of 2 passed") for line in lines)
    assert any(line.startswith("direction   larger                1 of 1 passed") for line in lines)


def test_a_service_that_fails_a_test_is_told_after_the_table(
    exported: Path, url: str, tmp_path: Path
) -> None:
    wanted = params(tmp_path, directions=[{"name": "smaller", "steps": {"area": -200}, "at_least": 0.0}])
    lines = check_service(url, exported / "selection", exported / "rows.parquet", wanted)
    shown = [next(lines) for _ in range(4)]
    assert any(line.startswith("direction   smaller               0 of 1 passed") for line in shown)
    with pytest.raises(BehaviourError, match=rf"^{url}: direction, smaller, area -200: expected at least 0"):
        list(lines)


def test_a_service_that_is_not_there_or_has_no_such_model_is_one_line(url: str) -> None:
    columns = {"area": np.float32([1000])}
    with pytest.raises(ServiceError, match="start `millrace serve`"):
        LiveModel("http://127.0.0.1:9", "ames_price", output="price").answer(columns)
    with pytest.raises(ServiceError, match="status 404"):
        LiveModel(url, "no_such", output="price").answer(columns)
    with pytest.raises(ServiceError, match="a number 'cost' a record"):
        LiveModel(url, "ames_price", output="cost").answer(columns)


def step(column: str) -> dict[str, Any]:
    return {"directions": [{"name": "d", "steps": {column: 1}, "at_least": 0.0}]}


def case(column: str, value: object) -> dict[str, Any]:
    return {"cases": [{"name": "c", "record": {column: value}, "between": [1, 2]}]}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (step("aera"), "directions: 'd': 'aera' is no column"),
        (step("town"), "directions: 'd': 'town' has no levels to step"),
        (case("aera", 1), "cases: 'c': 'aera' is no column"),
        (case("area", "big"), "cases: 'c': 'area' takes a number, got 'big'"),
        (case("town", 3), "cases: 'c': 'town' takes a category, got 3"),
        (case("quality", "god"), "cases: 'c': 'quality' is one of Poor, Fair, Good, got 'god'"),
        (case("area", [1]), "cases.0.record.area: Input"),
        ({"slice_rows": 0}, "export.behaviour.slice_rows"),
        ({"same_factor": 0.9}, "export.behaviour.same_factor"),
        ({"tolerance": 0.9}, "export.behaviour.tolerance: Extra inputs"),
        ({"cases": [{"name": "c", "record": {}, "between": [2, 1]}]}, "cases.0.between: Value error, edges"),
    ],
)  # fmt: skip
def test_an_expectation_that_cannot_be_tested_is_named(
    exported: Path, tmp_path: Path, change: dict[str, Any], says: str
) -> None:
    wanted = params(tmp_path, **change)
    with pytest.raises(ParamsError) as raised:
        list(check_service("http://127.0.0.1:9", exported / "selection", exported / "rows.parquet", wanted))
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)


def test_training_and_service_fold_white_space_alike() -> None:
    texts = ["North Ames", " North  Ames", "North\tAmes\n", "North\N{NO-BREAK SPACE}Ames ", "  ", "", None]
    frame = pd.DataFrame({"town": texts})
    inputs = (Input(name="town", datatype="BYTES", kind="category"),)
    bundle = Bundle(
        name="m", version=1, task="t", inputs=inputs, outputs=(Output(name="y", datatype="FP32"),)
    )
    served = read_records([{"town": text} for text in texts], bundle, max_rows=10)["town"].ravel()
    assert raw_inputs(frame, [Column("town", "category")])["town"].tolist() == served.tolist()
    assert served.tolist() == ["North Ames"] * 4 + [""] * 3
