"""The `millrace nas` commands: a search, its report, and a winner that the zoo trains and serves."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pandas as pd
import pytest
import requests
import torch
import yaml
from typer.testing import CliRunner

from models.catalog import entry as catalogue_entry
from models.nas.catalog import SPACES
from models.plots_cell import WORDS
from models.recipe import load_learner
from models.recipes.catalog import recipe_of
from pipeline.cli import app
from pipeline.nas import winner
from pipeline.zoo_params import network_params
from tests.repository import free_port


def millrace(*words: object) -> str:
    found = CliRunner().invoke(app, list(map(str, words)))
    assert found.exit_code == 0, found.output
    return found.output


def test_a_search_by_the_table_writes_trials_a_summary_and_a_winner(tmp_path):
    report = tmp_path / "report"
    words = ("nas", "run", "--space", "mlp", "--method", "evolution", "--look-up", "--budget", 60000)
    told = millrace(*words, "--report", report)
    assert told.startswith("evolution on mlp, seed 0: ")
    assert "are better, regret" in told
    assert millrace("nas", "show", "--report", report) == told
    summary = json.loads((report / "search.json").read_text())
    trials = pd.read_csv(report / "trials.csv")
    assert trials["spent"].iloc[-1] == summary["spent"] <= 60000
    block = yaml.safe_load((report / "winner.yaml").read_text())["networks"]["mlp"]
    depth, width = map(int, summary["architecture"])
    assert (block["network"]["depth"], block["network"]["width"]) == (depth, width)


def test_a_search_by_training_repeats_from_what_it_kept(tmp_path):
    words = ("nas", "run", "--space", "mlp", "--method", "random", "--budget", 7000, "--work", tmp_path / "w")
    told = [millrace(*words, "--report", tmp_path / str(at)) for at in range(2)]
    assert told[0].replace(str(tmp_path / "0"), "") == told[1].replace(str(tmp_path / "1"), "")
    assert len(list((tmp_path / "w" / "mlp").glob("scores_*.jsonl"))) == 1
    first, second = ((tmp_path / str(at) / "trials.csv").read_text() for at in range(2))
    assert first == second


def test_the_spaces_and_methods_are_named():
    told = millrace("nas", "list")
    assert "1,166 architectures of cell_cnn" in told
    assert "by default successive_halving" in told


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--space", "trees"), "error: expected a space among cells, mlp, got 'trees'"),
        (("--method", "magic"), "error: expected a method among random"),
        (("--space", "mlp", "--look-up", "--budget", "5"), "error: expected a budget for one full training"),
        (("--space", "mlp", "--method", "one_shot"), "error: expected a space whose networks share weights"),
        (("--space", "mlp", "--ray", "127.0.0.1:1"), "error: no Ray cluster answers at '127.0.0.1:1'"),
    ],
)
def test_what_cannot_be_searched_is_told_in_one_line(tmp_path, words, message):
    arguments = ["nas", "run", *words, "--report", str(tmp_path / "r"), "--work", str(tmp_path / "w")]
    found = CliRunner().invoke(app, arguments)
    assert found.exit_code == 1
    assert found.output.startswith(message)
    assert found.output.count("\n") == 1


def test_a_report_that_is_not_there_is_told(tmp_path):
    found = CliRunner().invoke(app, ["nas", "show", "--report", str(tmp_path)])
    assert found.exit_code == 1
    assert found.output.startswith("error: ")


def test_the_report_is_one_offline_page_with_the_search_its_ranking_and_the_winning_cell(tmp_path):
    words = ("nas", "run", "--space", "cells", "--method", "reinforce", "--look-up", "--budget", 200000)
    told = millrace(*words, "--report", tmp_path)
    page = (tmp_path / "index.html").read_text()
    assert page.count("data:image/svg+xml;base64,") == 3
    assert "<script" not in page
    assert 'src="http' not in page
    assert told.splitlines()[0] in page
    operations = [each for each in told.splitlines()[0].split(": ")[1].split() if each != "none"]
    drawn = (tmp_path / "cell.svg").read_text()
    assert sum(drawn.count(f">{WORDS[each]}<") for each in set(operations)) == len(operations)


@pytest.mark.slow
def test_methods_are_compared_on_one_page_whatever_the_number_of_jobs(tmp_path):
    words = ("nas", "compare", "--space", "mlp", "--method", "random", "--method", "successive_halving")
    told = millrace(*words, "--seeds", 3, "--budget", 0.2, "--report", tmp_path / "one")
    assert str(tmp_path / "one" / "index.html") in told.splitlines()
    runs = pd.read_csv(tmp_path / "one" / "runs.csv")
    assert list(runs["method"]) == ["random"] * 3 + ["successive_halving"] * 3
    assert (runs["spent"] <= 0.2 * 56 * 3054).all()
    figures = json.loads((tmp_path / "one" / "comparison.json").read_text())
    for name, part in runs.groupby("method"):
        assert figures["methods"][name]["regret"] == pytest.approx(part["regret"].median(), abs=1e-4)
    page = (tmp_path / "one" / "index.html").read_text()
    # random ranks nothing: progress, regrets, and one ranking.
    assert page.count("data:image/svg+xml;base64,") == 3
    millrace(*words, "--seeds", 3, "--budget", 0.2, "--jobs", 2, "--report", tmp_path / "two")
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_winner_is_trained_exported_and_served_like_any_network(tmp_path):
    cells = SPACES["cells"]
    architecture = ("conv3", "none", "conv1", "skip", "conv3")
    params = tmp_path / "winner.yaml"
    params.write_text(winner(cells, cells.entries(architecture)))
    block = network_params("cell_cnn", "embedded", params)
    assert tuple(block.network["operations"]) == architecture
    folders = [
        word for name in ("artifacts", "reports", "models") for word in (f"--{name}", str(tmp_path / name))
    ]
    quick = ("-S", "training.epochs=1", "-S", "network.channels=4")
    train = ["millrace", "zoo", "train", "cell_cnn", "--params", str(params), *quick, *folders]
    told = subprocess.run(train, capture_output=True, text=True, check=True).stdout
    assert "accuracy" in told
    bundle = tmp_path / "models" / "cell_cnn" / "1"
    assert (bundle / "model.onnx").is_file()
    parity = json.loads((bundle / "parity.json").read_text())
    assert {case["rows"] for case in parity["cases"]} >= {1, 3}
    saved = json.loads((tmp_path / "artifacts" / "cell_cnn" / "network" / "network.json").read_text())
    assert tuple(saved["config"]["operations"]) == architecture
    assert (bundle / "bundle.json").is_file()
    entry = catalogue_entry("cell_cnn")
    trained = load_learner(tmp_path / "artifacts" / "cell_cnn" / "network", entry, recipe_of(entry))
    about = next(each for each in json.loads((bundle / "bundle.json").read_text())["inputs"])
    picture = torch.randint(0, 256, (1, *about["shape"][1:]), dtype=torch.uint8)
    with torch.no_grad():
        expected = trained.task.eval().head(picture).ravel().tolist()
    with service(tmp_path / "models") as url:
        data = {"name": about["name"], "datatype": "UINT8", "shape": list(picture.shape)}
        body = {"inputs": [{**data, "data": picture.ravel().tolist()}]}
        answer = requests.post(f"{url}/v2/models/cell_cnn/infer", json=body, timeout=30).json()
    assert answer["outputs"][0]["data"] == pytest.approx(expected, abs=1e-4)


@contextmanager
def service(models: Path) -> Iterator[str]:
    """The URL of a real service of the models in a folder, ended with the block."""
    port = free_port()
    process = subprocess.Popen(["millrace", "serve", "--models", str(models), "--port", str(port)])
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            assert process.poll() is None, "the service ended"
            with suppress(requests.ConnectionError):
                if requests.get(f"{url}/v2/health/ready", timeout=2).ok:
                    break
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(20)
