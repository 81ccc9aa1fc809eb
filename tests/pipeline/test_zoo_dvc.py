"""The zoo's pipeline: every network has its stages, its parameters and the code that it runs."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from models.catalog import CATALOG
from models.recipes.catalog import RECIPES
from pipeline.deps import OF_A_NETWORK, listed_code, zoo_code
from pipeline.errors import ParamsError
from pipeline.zoo_params import network_params, read_zoo
from pipeline.zoo_report import cells, markdown, read_rows

STAGES: dict[str, Any] = yaml.safe_load(Path("models/zoo/dvc.yaml").read_text())["stages"]


def test_every_network_of_the_catalogue_has_parameters_and_a_recipe():
    _, blocks = read_zoo()
    assert set(blocks) == set(CATALOG)
    assert {entry.task for entry in CATALOG.values()} == set(RECIPES)


@pytest.mark.parametrize("name", sorted(CATALOG))
@pytest.mark.parametrize("source", ["embedded", "folder"])
def test_a_block_is_read_whole_and_names_the_files_of_its_task(name, source):
    block = network_params(name, source)
    module = CATALOG[name].task.__module__
    assert module == f"models.tasks.{block.task}"
    for room in OF_A_NETWORK[1:]:
        assert Path(f"{room}{block.task}.py").is_file()
    assert CATALOG[name].config.__module__ == f"models.zoo.{name}"


def test_the_stages_list_the_code_that_all_networks_share():
    assert {name: listed_code(stage) for name, stage in STAGES.items()} == zoo_code(list(STAGES))


def test_one_networks_code_is_no_dependency_of_another():
    for name, stage in STAGES.items():
        deps = stage.get("do", stage)["deps"]
        assert not [dep for dep in deps if dep.startswith(OF_A_NETWORK) and "${" not in dep], name


@pytest.mark.slow
def test_dvc_reads_the_stages():
    listed = subprocess.run(
        ["dvc", "stage", "list", "--name-only", "models/zoo/dvc.yaml"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    expected = {
        f"models/zoo/dvc.yaml:{stage}@{name}" for stage in ("train", "evaluate", "export") for name in CATALOG
    }
    assert {*expected, "models/zoo/dvc.yaml:report"} == set(listed)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"training.epoch": 3}, "networks.lstm.training.epoch"),
        ({"training.lr": -1}, "training.lr.*greater than 0"),
    ],
)
def test_a_wrong_parameter_is_named(overrides, message):
    with pytest.raises(ParamsError, match=message):
        network_params("lstm", "embedded", overrides=overrides)


def test_an_unknown_network_is_told_which_there_are():
    with pytest.raises(ParamsError, match=r"mnist_mlp.*got 'resnet'"):
        network_params("resnet", "embedded")


@pytest.mark.slow
def test_a_network_is_trained_judged_exported_sampled_and_shown(tmp_path):
    folders = [
        "--artifacts",
        tmp_path / "zoo",
        "--reports",
        tmp_path / "reports",
        "--models",
        tmp_path / "models",
    ]
    command = ["millrace", "zoo", "train", "mlp", "-S", "training.epochs=3", *folders]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "442 patients" in done.stdout
    assert (tmp_path / "models/mlp/1/parity.json").is_file()
    (row,) = read_rows(tmp_path / "reports")
    assert row["epochs"] == 3
    assert row["data"]["source"] == "embedded"
    assert cells(row)[0] == "mlp"
    table = ["millrace", "zoo", "table", "--reports", tmp_path / "reports"]
    printed = subprocess.run(table, capture_output=True, text=True, check=True).stdout
    assert printed == markdown([row])
    head, rule, line = printed.splitlines()
    assert head.count("|") == rule.count("|") == line.count("|")
    assert f"{row['metrics']['rmsle']:.4g}" in line
    page = tmp_path / "zoo.html"
    subprocess.run(["python", "-m", "pipeline.zoo_report", tmp_path / "reports", page], check=True)
    assert "data:image/svg+xml;base64," in page.read_text()
    shown = subprocess.run(
        ["millrace", "zoo", "sample", "mlp", "--count", "2", *folders[:2], "--out", tmp_path],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert len(shown.stdout.splitlines()) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "resnet"], "expected a network among"),
        (["train", "mlp", "--source", "folder"], "expected --data-dir"),
        (["train", "mlp", "-S", "epochs"], "expected KEY=VALUE"),
        (["sample", "mlp", "--artifacts", "nowhere"], "expected a saved network"),
        (["table", "--reports", "nowhere"], "nowhere holds no network's metrics"),
    ],
)
def test_a_wrong_command_is_answered_in_one_line(arguments, message):
    done = subprocess.run(["millrace", "zoo", *arguments], capture_output=True, text=True)
    assert done.returncode == 1
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
