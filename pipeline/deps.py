"""The code that each stage runs, for dvc.yaml: DVC does not follow imports, so its `deps` must list them.

`python -m pipeline.deps` rewrites the lists; a test fails when one is out of date.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grimp
from ruamel.yaml import YAML

from pipeline.files import whole_file
from pipeline.lineage import ROOMS

DVC_FILE = Path("dvc.yaml")
ZOO_FILE = Path("models/zoo/dvc.yaml")
OF_A_NETWORK = ("models/zoo/", "models/tasks/", "models/recipes/")
"""A network's own code, which models/zoo/dvc.yaml names by the network and its task."""
NOT_FOLLOWED = ("models/catalog.py", "models/recipes/catalog.py")


def stage_code(stages: list[str], root: Path = Path()) -> dict[str, list[str]]:
    """For each stage, the project's Python files that `python -m pipeline.<stage>` may run, sorted."""
    sys.path.insert(0, str(root.absolute()))
    try:
        graph = grimp.build_graph(*ROOMS, cache_dir=None)
    finally:
        sys.path.pop(0)
    code = {}
    for stage in stages:
        module = f"pipeline.{stage}"
        modules = {module, *graph.find_upstream_modules(module)}
        code[stage] = sorted(filter(None, (_file(name, root) for name in modules)))
    return code


def zoo_code(stages: list[str], root: Path = Path()) -> dict[str, list[str]]:
    """For each stage of the zoo, the Python files that every network shares, sorted."""
    code = stage_code([f"zoo_{stage}" for stage in stages], root)
    return {
        stage: [
            file
            for file in code[f"zoo_{stage}"]
            if not file.startswith(OF_A_NETWORK) and file not in NOT_FOLLOWED
        ]
        for stage in stages
    }


def listed_code(stage: dict[str, Any]) -> list[str]:
    """The Python files of the rooms among a stage's `deps`."""
    return sorted(
        dep
        for dep in stage.get("do", stage)["deps"]
        if dep.endswith(".py") and dep.partition("/")[0] in ROOMS and "${" not in dep
    )


def _file(module: str, root: Path) -> str | None:
    """The module's file below `root`; None for a package, whose __init__ holds a docstring at most."""
    path = Path(*module.split(".")).with_suffix(".py")
    return path.as_posix() if (root / path).is_file() else None


def rewrite(path: Path, code: Callable[[list[str]], dict[str, list[str]]]) -> None:
    """Write each stage's code into its `deps`, after the data that it reads."""
    yaml = YAML()
    yaml.width = 200
    yaml.indent(mapping=2, sequence=4, offset=2)
    document = yaml.load(path.read_text(encoding="utf-8"))
    stages = document["stages"]
    for name, files in code(list(stages)).items():
        listed = listed_code(stages[name])
        body = stages[name].get("do", stages[name])
        body["deps"] = [*(dep for dep in body["deps"] if dep not in listed), *files]
    with whole_file(path) as fresh, fresh.open("w", encoding="utf-8") as file:
        yaml.dump(document, file)


if __name__ == "__main__":
    rewrite(DVC_FILE, stage_code)
    rewrite(ZOO_FILE, zoo_code)
