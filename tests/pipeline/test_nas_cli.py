"""The `millrace nas` commands: a search, its report, and a winner that the zoo trains and serves."""

import json
import subprocess

import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from models.nas.catalog import SPACES
from pipeline.cli import app
from pipeline.nas import winner
from pipeline.zoo_params import network_params


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


@pytest.mark.slow
def test_a_winner_is_trained_exported_and_proven_like_any_network(tmp_path):
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
    told = subprocess.run(
        ["millrace", "zoo", "train", "cell_cnn", "--params", str(params), *quick, *folders],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "accuracy" in told
    bundle = tmp_path / "models" / "cell_cnn" / "1"
    assert (bundle / "model.onnx").is_file()
    parity = json.loads((bundle / "parity.json").read_text())
    assert {case["rows"] for case in parity["cases"]} >= {1, 3}
    saved = json.loads((tmp_path / "artifacts" / "cell_cnn" / "network" / "network.json").read_text())
    assert tuple(saved["config"]["operations"]) == architecture
    assert (bundle / "bundle.json").is_file()
