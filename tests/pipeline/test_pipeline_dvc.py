import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.deps import listed_code, stage_code
from pipeline.params import Params

STAGES: dict[str, Any] = yaml.safe_load(Path("dvc.yaml").read_text())["stages"]
SECTIONS = [name for name in Params.model_fields if name != "compute"]
"""Those of a stage each; `compute` changes no result, hence no stage depends on it."""
BEFORE = SECTIONS.index("evaluate")
ORDER = [
    "crawl", *SECTIONS[:BEFORE], "prune", *SECTIONS[BEFORE : SECTIONS.index("report")],
    "export_ensemble", "report",
]  # fmt: skip


def paths(entries: list[Any]) -> list[str]:
    return [next(iter(entry)) if isinstance(entry, dict) else entry for entry in entries]


def test_the_stages_are_those_of_the_design_in_order() -> None:
    assert list(STAGES) == ORDER


@pytest.mark.parametrize("name", ORDER)
def test_a_stage_depends_on_all_the_code_it_runs(name: str) -> None:
    expected = stage_code([name])[name]
    assert listed_code(STAGES[name]) == expected, "run: python -m pipeline.deps"


@pytest.mark.parametrize("name", ORDER)
def test_a_stage_is_a_module_that_names_its_outputs(name: str) -> None:
    stage = STAGES[name]
    assert stage["cmd"].startswith(f"python -m pipeline.{name} ")
    for entry in stage["outs"]:
        assert next(iter(entry.values())) == {"persist": True}, "a failed run must leave the old output"


def test_the_test_split_is_opened_by_evaluate_alone() -> None:
    naming = [name for name in ORDER if "test.parquet" in Path(f"pipeline/{name}.py").read_text()]
    assert naming == ["evaluate"], "prepare writes it by the name of its part, no other stage may name it"
    readers = [name for name, stage in STAGES.items() if "data/prepared/test.parquet" in paths(stage["deps"])]
    assert readers == ["evaluate"]


def test_every_section_of_the_parameters_belongs_to_a_stage() -> None:
    asked = {str(param).partition(".")[0] for stage in STAGES.values() for param in stage.get("params", [])}
    assert asked == set(SECTIONS)


def test_plots_and_metrics_are_outputs_of_a_stage() -> None:
    document = yaml.safe_load(Path("dvc.yaml").read_text())
    outs = [path for stage in STAGES.values() for path in paths(stage["outs"])]
    for shown in [*document["metrics"], *document["plots"]]:
        assert any(shown == out or shown.startswith(f"{out}/") for out in outs), shown


def test_a_stage_reads_only_the_parameters_that_it_names() -> None:
    for name, stage in STAGES.items():
        code = Path(f"pipeline/{name}.py").read_text()
        read = set(re.findall(r"(?:read_params\(params\)|settings)\.([a-z_]+)", code)) - {
            "model_dump",
            "compute",
        }
        assert read == {str(param).partition(".")[0] for param in stage.get("params", [])}, name


def test_the_readmes_commands_are_there() -> None:
    readme, makefile = Path("README.md").read_text(), Path("Makefile").read_text()
    for target in re.findall(r"^make ([a-z]+)", readme, re.MULTILINE):
        assert f"\n{target}:" in makefile, target
    for key in re.findall(r"-S ([a-z_.]+)=", readme):
        section, _, entry = key.partition(".")
        assert entry in Params.model_fields[section].annotation.model_fields, key  # type: ignore[union-attr]
    for file in re.findall(r"\]\(([A-Za-z/._]+)\)", readme):
        assert Path(file).exists(), file
    for room in re.findall(r"^([a-z]+)/  ", readme, re.MULTILINE):
        assert Path(room).is_dir(), room
