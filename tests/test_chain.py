"""The chain end to end on sixty houses: a real crawl, browser included, to a served answer."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import requests
import tritonclient.http as triton
import yaml

from tests.repository import HOMES, command, edit, environment, free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def service(repository: Path) -> Iterator[str]:
    port = free_port()
    process = subprocess.Popen(
        ["millrace", "serve", "--port", str(port)],
        cwd=repository,
        env=environment(),
        stdout=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(url, process)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _wait_until_ready(url: str, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(200):
        assert process.poll() is None, "the service ended"
        try:
            if requests.get(f"{url}/v2/health/ready", timeout=2).status_code == 200:
                return
        except requests.ConnectionError:
            time.sleep(0.1)
    raise AssertionError("the service was not ready in 20 s")


def parity(repository: Path) -> dict[str, object]:
    return json.loads((repository / "artifacts/models/ames_price/1/parity.json").read_text())


def test_every_house_is_a_record_with_its_coordinates(repository: Path) -> None:
    records = pd.read_parquet(repository / "data/records.parquet")
    assert len(records) == records["pid"].nunique() == HOMES
    assert records[["sale_price", "longitude", "latitude"]].notna().all(axis=None)


def test_the_split_is_whole_and_disjoint(repository: Path) -> None:
    parts = [
        pd.read_parquet(repository / f"data/prepared/{name}.parquet")
        for name in ("train", "validation", "test")
    ]
    keys = pd.concat(part["pid"] for part in parts)
    assert all(len(part) for part in parts)
    assert len(keys) == keys.nunique() == HOMES


def test_a_second_repro_runs_no_stage(repository: Path) -> None:
    said = command("dvc", "repro", cwd=repository).stdout
    assert "Running stage" not in said
    assert "Data and pipelines are up to date" in said


def test_metrics_and_plots_are_shown(repository: Path) -> None:
    metrics = command("dvc", "metrics", "show", "--md", cwd=repository).stdout
    assert "models.network.rmsle.value" in metrics
    command("dvc", "plots", "show", cwd=repository)
    page = (repository / "dvc_plots/index.html").read_text()
    assert "predictions.svg" in page
    assert "http" not in page.replace("http://www.w3.org", ""), "the page must not ask the network"


def test_the_ensembles_graph_is_certified_to_the_last_bit(repository: Path) -> None:
    proof = json.loads((repository / "artifacts/models/ames_price_ensemble/1/parity.json").read_text())
    cases = {case["name"]: case for case in proof["cases"]}
    assert {"one by one", "10,000 at once", "on every split", "one step below every split"} <= set(cases)
    assert cases["on every split"]["rows"] > 10, "as many as the column with most splits has"
    # Half a step of float32 for the answer, and as much again for an end of its interval.
    assert max(case["max_relative"] for case in cases.values()) <= 2.02 * 2**-24
    evaluated = pd.read_parquet(repository / "data/evaluated.parquet")
    assert proof["answers"]["price"] == evaluated["predicted_ensemble"].tolist()


def test_every_graph_that_could_be_served_is_timed(repository: Path) -> None:
    assert json.loads((repository / "artifacts/picked.json").read_text()) == {
        "model": "network",
        "weights": {},
    }
    table = pd.read_csv(repository / "reports/prune/front.csv").set_index("name")
    assert {"network", "whole ensemble", "LightGBM_BAG_L1", "LinearModel_BAG_L2", "AutoGluon"} <= set(
        table.index
    )
    assert table.loc["AutoGluon", "latency_ms"] > 10 * table.loc["whole ensemble", "latency_ms"]
    assert table.loc["AutoGluon", "loss"] == table.loc["whole ensemble", "loss"]
    assert (table["latency_ms"] > 0).all()


@pytest.mark.parametrize("budget", [1e-6, 1e6])
def test_a_budget_picks_a_graph_or_says_that_none_keeps_it(
    repository: Path, tmp_path: Path, budget: float
) -> None:
    shutil.copy(repository / "params.yaml", tmp_path / "params.yaml")
    edit(tmp_path / "params.yaml", lambda params: params["export"].update(budget_ms=budget) or params)
    paths = ["data/prepared", "data/selection", "artifacts/ensemble", "artifacts/network"]
    outs = [str(tmp_path / name) for name in ("picked.json", "report")]
    asked = [*paths, *outs, "--params", str(tmp_path / "params.yaml")]
    said = command(sys.executable, "-m", "pipeline.prune", *asked, cwd=repository, check=budget > 1)
    if budget < 1:
        assert "no graph answers a row within 1e-06 ms here: the quickest, " in said.stderr
        assert not (tmp_path / "picked.json").exists()
        return
    table = pd.read_csv(tmp_path / "report/front.csv")
    best = table[table["graph"]].sort_values(["loss", "latency_ms"]).iloc[0]
    assert json.loads((tmp_path / "picked.json").read_text())["model"] == best["kind"]


def test_a_pruned_ensemble_is_evaluated_proven_and_described(repository: Path, tmp_path: Path) -> None:
    weights = {"LightGBM_BAG_L1": 0.75, "LinearModel_BAG_L2": 0.25}
    (tmp_path / "picked.json").write_text(json.dumps({"model": "pruned", "weights": weights}))
    shutil.copytree(repository / "reports", tmp_path / "reports")
    fitted = ["data/prepared", "data/selection", "artifacts/ensemble", "artifacts/network"]
    rows, reports, models = (str(tmp_path / name) for name in ("rows.parquet", "reports", "models"))
    given = [*fitted, str(tmp_path / "picked.json"), rows]
    command(sys.executable, "-m", "pipeline.evaluate", *given, f"{reports}/evaluate", cwd=repository)
    command(sys.executable, "-m", "pipeline.export", *given, reports, models, cwd=repository)
    bundle = tmp_path / "models/ames_price/1"
    assert "75% LightGBM_BAG_L1, 25% LinearModel_BAG_L2" in (bundle / "model_card.md").read_text()
    answers = json.loads((bundle / "parity.json").read_text())["answers"]["price"]
    evaluated = pd.read_parquet(rows)
    assert answers == evaluated["predicted_pruned"].tolist()
    assert answers != evaluated["predicted_ensemble"].tolist()


def test_the_model_cards_tell_of_these_houses(repository: Path, service: str) -> None:
    for name, model in (("ames_price", "network"), ("ames_price_ensemble", "ensemble")):
        card = requests.get(f"{service}/models/{name}/card", timeout=10).json()
        assert card["data"]["site"] == "ames"
        assert card["data"]["records"] == sum(card["data"]["rows"].values()) == HOMES
        figures = json.loads((repository / "reports/evaluate/metrics.json").read_text())["models"]
        assert card["metrics"][0]["value"] == figures[model]["rmsle"]["value"]
        assert sum(one["rows"] for one in card["slices"] if one["slicing"] == "neighborhood") == int(
            card["data"]["rows"]["test"]
        )
        written = (repository / "artifacts/models" / name / "1/model_card.md").read_text(encoding="utf-8")
        assert card["limits"][0] in written


def test_the_report_is_one_offline_page(repository: Path) -> None:
    page = (repository / "reports/index.html").read_text()
    assert page.count("data:image/svg+xml;base64,") >= 8
    assert "<script" not in page
    assert 'src="http' not in page
    for words in (
        "How good it is",
        "What each way to combine does",
        "What answers quickly enough",
        f"{HOMES} records",
        "Are the graphs the models?",
        "Does it behave?",
        "overall_qual",
    ):
        assert words in page


def test_the_test_error_is_split_into_bias_and_variance(repository: Path) -> None:
    told = json.loads((repository / "reports/decompose/metrics.json").read_text())
    assert list(told["learners"]) == ["single tree", "bagged", "boosted", "stacked", "AutoGluon"]
    assert told["rows"] == len(pd.read_parquet(repository / "data/prepared/test.parquet"))
    for parts in told["learners"].values():
        added = parts["bias_squared"]["value"] + parts["variance"]["value"]
        assert parts["error"]["value"] == pytest.approx(added, rel=1e-12)
        assert parts["error"]["low"] < parts["error"]["value"] < parts["error"]["high"]


def test_the_triton_client_gets_the_prices_of_the_parity_file(repository: Path, service: str) -> None:
    answers = parity(repository)["answers"]
    rows = pd.read_parquet(repository / "data/evaluated.parquet").set_index("pid").loc[answers["keys"]]
    client = triton.InferenceServerClient(service.removeprefix("http://"))
    assert client.is_server_live()
    assert client.is_model_ready("ames_price")
    inputs = []
    for about in client.get_model_metadata("ames_price")["inputs"]:
        values = rows[about["name"]]
        if about["datatype"] == "BYTES":
            array = values.fillna("").to_numpy(dtype=object).reshape(-1, 1)
        else:
            array = values.to_numpy(dtype=np.float32).reshape(-1, 1)
        inputs.append(triton.InferInput(about["name"], list(array.shape), about["datatype"]))
        inputs[-1].set_data_from_numpy(array)
    got = client.infer("ames_price", inputs).as_numpy("price").ravel()
    np.testing.assert_allclose(got, answers["price"], rtol=1e-4)


def test_plain_records_get_the_same_prices_and_errors_name_the_field(repository: Path, service: str) -> None:
    answers = parity(repository)["answers"]
    wanted = [
        about["name"] for about in requests.get(f"{service}/v2/models/ames_price", timeout=5).json()["inputs"]
    ]
    rows = pd.read_parquet(repository / "data/evaluated.parquet").set_index("pid").loc[answers["keys"]]
    records = [
        {name: value for name, value in row.items() if name in wanted and not pd.isna(value)}
        for row in rows.to_dict(orient="records")
    ]
    url = f"{service}/models/ames_price/predict"
    got = [one["price"] for one in requests.post(url, json=records, timeout=10).json()["predictions"]]
    np.testing.assert_allclose(got, answers["price"], rtol=1e-4)
    bad = requests.post(url, json=[{"lot_aera": 1}], timeout=10)
    assert 400 <= bad.status_code < 500
    assert "lot_aera" in bad.json()["error"]


def test_the_served_model_behaves_as_the_exported_one(repository: Path, service: str) -> None:
    said = command("millrace", "test-model", service, cwd=repository).stdout
    assert re.search(r"^invariance +extra spaces +(\d+) of \1 passed +1, ", said, re.MULTILINE)
    assert re.search(r"^direction +better finish +1 of 1 passed", said, re.MULTILINE)
    tested = json.loads((repository / "artifacts/models/ames_price/1/behaviour.json").read_text())
    assert len(said.splitlines()) == len(tested["summary"])


def test_probe_prints_the_record_of_a_page(repository: Path) -> None:
    records = pd.read_parquet(repository / "data/records.parquet")
    house = records.iloc[0]
    said = command(
        "millrace", "probe", house["url"], "--site", "scrapers/sites/ames.yaml", cwd=repository
    ).stdout
    assert house["pid"] in said
    assert f"{house['gr_liv_area']:g}" in said.replace(",", "")


METRICS = [
    f"reports/{name}/metrics.json"
    for name in ("select_features", "ensemble", "tune", "train", "evaluate", "decompose")
]


def test_a_forced_second_run_gives_the_same_figures(repository: Path) -> None:
    """The other stages run again in the tests of kills below."""
    before = {name: (repository / name).read_bytes() for name in METRICS}
    command("dvc", "repro", "-f", "-s", "select_features", "ensemble", "decompose", cwd=repository)
    assert {name: (repository / name).read_bytes() for name in before} == before


@pytest.mark.parametrize(
    ("stage", "started", "whole"),
    [
        ("crawl", "data/pages/pages.warc.gz.partial", "data/pages/pages.warc.gz"),
        ("tune", "data/study/journal.log", "reports/tune/best.yaml"),
        ("train", "artifacts/.network.new", "artifacts/network"),
    ],
)
def test_a_stage_killed_midway_runs_again_to_the_same_figures(
    repository: Path, stage: str, started: str, whole: str
) -> None:
    before = {name: (repository / name).read_bytes() for name in [*METRICS, "data/records.parquet"]}
    for out in yaml.safe_load((repository / "dvc.yaml").read_text())["stages"][stage]["outs"]:
        shutil.rmtree(repository / next(iter(out)))
    running = subprocess.Popen(
        ["dvc", "repro", "-f", "-s", "--no-run-cache", stage],
        cwd=repository,
        env=environment(),
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _wait_for(repository / started, running)
    os.killpg(running.pid, signal.SIGKILL)
    subprocess.run(["pkill", "-9", "-s", str(running.pid)], check=False)
    running.wait()
    assert not (repository / whole).exists(), "the kill came too late to prove anything"
    command("dvc", "repro", "--no-run-cache", cwd=repository)
    assert {name: (repository / name).read_bytes() for name in before} == before


def _wait_for(path: Path, running: "subprocess.Popen[bytes]") -> None:
    for _ in range(6000):
        assert running.poll() is None, "the stage ended before it could be killed"
        if path.exists():
            return
        time.sleep(0.01)
    raise AssertionError(f"{path} did not appear in a minute")


def test_the_readmes_request_is_answered(service: str) -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    asked = json.loads(readme.partition("-d '")[2].partition("'")[0])
    answer = requests.post(f"{service}/models/ames_price/predict", json=asked, timeout=10)
    assert answer.status_code == 200, answer.text
    assert answer.json()["predictions"][0]["price"] > 10_000


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (
            lambda records: records.assign(sale_price=records["sale_price"].where(records.index > 0)),
            "'sale_price'",
        ),
        (lambda records: records.assign(sale_price=100_000.0), "'sale_price'"),
        (lambda records: records.assign(lot_area=records["lot_area"].astype(str)), "'lot_area'"),
        (lambda records: records.assign(pid=records["pid"].iloc[0]), "'pid'"),
        (lambda records: records.drop(columns="lot_area"), "'lot_area'"),
    ],
    ids=["missing target", "one value only", "text in a number", "key twice", "column absent"],
)
def test_bad_records_are_one_line_and_the_old_table_stays(
    repository: Path, tmp_path: Path, spoil: Callable[[pd.DataFrame], pd.DataFrame], says: str
) -> None:
    spoil(pd.read_parquet(repository / "data/records.parquet")).to_parquet(tmp_path / "records.parquet")
    shutil.copytree(repository / "data/prepared", tmp_path / "prepared")
    words = ("-m", "pipeline.prepare", "scrapers/sites/ames.yaml")
    failed = command(
        sys.executable,
        *words,
        f"{tmp_path}/records.parquet",
        f"{tmp_path}/prepared",
        cwd=repository,
        check=False,
    )
    one_error(failed, says)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["prepared", "records.parquet"]
    for path in (tmp_path / "prepared").iterdir():
        assert path.read_bytes() == (repository / "data/prepared" / path.name).read_bytes()


def test_a_site_that_is_down_a_taken_port_and_no_browser_are_one_line(
    repository: Path, tmp_path: Path
) -> None:
    spec = yaml.safe_load((repository / "scrapers/sites/ames.yaml").read_text())
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        spec["base_url"] = f"http://127.0.0.1:{taken.getsockname()[1]}"
        (tmp_path / "taken.yaml").write_text(yaml.safe_dump(spec))
        one_error(crawled(repository, tmp_path, "taken"), "taken")
    spec["base_url"] = f"http://127.0.0.1:{free_port()}"
    (tmp_path / "blind.yaml").write_text(yaml.safe_dump(spec))
    one_error(crawled(repository, tmp_path, "blind", CHROME_BINARY="/none", CHROMEDRIVER="/none"), "browser")
    del spec["server"]
    (tmp_path / "down.yaml").write_text(yaml.safe_dump(spec))
    one_error(crawled(repository, tmp_path, "down"), spec["base_url"])


def crawled(repository: Path, folder: Path, name: str, **more: str) -> "subprocess.CompletedProcess[str]":
    words = (sys.executable, "-m", "pipeline.crawl", str(folder / f"{name}.yaml"), str(folder / name))
    done = command(*words, cwd=repository, check=False, **more)
    assert not (folder / name / "pages.warc.gz").exists()
    return done


def one_error(failed: "subprocess.CompletedProcess[str]", says: str) -> None:
    errors = [line for line in failed.stderr.splitlines() if line.startswith("error: ")]
    assert failed.returncode == 1, failed.stderr
    assert len(errors) == 1, failed.stderr
    assert says in errors[0]
    assert "Traceback" not in failed.stderr


@pytest.mark.parametrize(
    ("stage", "file", "change", "says"),
    [
        ("parse", "scrapers/sites/ames.yaml", "selector", "lot_area"),
        ("parse", "scrapers/sites/ames.yaml", "count", "61"),
        ("prepare", "params.yaml", "constant", "drop"),
        ("prepare", "params.yaml", "target", "sale_prize"),
        ("ensemble", "params.yaml", "family", "GMB"),
        ("export", "params.yaml", "tolerance", "as in Python"),
        ("export", "params.yaml", "direction", "better finish"),
    ],
)
def test_bad_input_is_one_line_and_outputs_stay(
    repository: Path, stage: str, file: str, change: str, says: str
) -> None:
    path, outs = (
        repository / file,
        yaml.safe_load((repository / "dvc.yaml").read_text())["stages"][stage]["outs"],
    )
    kept = path.read_text()
    files = [one for out in outs for one in _files(repository / next(iter(out)))]
    before = [(one, one.read_bytes()) for one in files]
    try:
        edit(path, lambda data: _spoilt(data, change))
        words = yaml.safe_load((repository / "dvc.yaml").read_text())["stages"][stage]["cmd"].split()
        failed = command(sys.executable, *words[1:], cwd=repository, check=False)
    finally:
        path.write_text(kept)
    one_error(failed, says)
    assert [(one, one.read_bytes()) for one, _ in before] == before


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else [one for one in sorted(path.rglob("*")) if one.is_file()]


def _spoilt(data: dict[str, dict[str, object]], change: str) -> dict[str, dict[str, object]]:
    if change == "selector":
        data["pages"]["home"]["fields"]["lot_area"] = {"css": ".no-such-thing", "type": "area"}  # type: ignore[index]
    elif change == "count":
        data["pages"]["home"]["expect"] = {"records": 61}  # type: ignore[index]
    elif change == "constant":
        data["prepare"]["on_constant"] = "error"
    elif change == "target":
        data["prepare"]["target"] = "sale_prize"
    elif change == "family":
        data["ensemble"]["presets"]["quick"]["families"] = {"GMB": {}, "LR": {}}  # type: ignore[index]
    elif change == "direction":
        data["export"]["behaviour"]["directions"][0]["at_least"] = 0.9  # type: ignore[index]
    else:
        data["export"]["tolerance"] = 1e-12
    return data
