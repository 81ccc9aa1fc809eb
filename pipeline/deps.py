"""The code that each stage runs, for dvc.yaml: DVC does not follow imports, so its `deps` must list them.

`python -m pipeline.deps` rewrites the lists; a test fails when one is out of date.
"""

import sys
from pathlib import Path
from typing import Any

import grimp
from ruamel.yaml import YAML

from pipeline.files import whole_file
from pipeline.lineage import ROOMS

DVC_FILE = Path("dvc.yaml")


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


def listed_code(stage: dict[str, Any]) -> list[str]:
    """The Python files of the rooms among a stage's `deps`."""
    return sorted(dep for dep in stage["deps"] if dep.endswith(".py") and dep.partition("/")[0] in ROOMS)


def _file(module: str, root: Path) -> str | None:
    """The module's file below `root`; None for a package, whose __init__ holds a docstring at most."""
    path = Path(*module.split(".")).with_suffix(".py")
    return path.as_posix() if (root / path).is_file() else None


def rewrite(path: Path = DVC_FILE) -> None:
    """Write each stage's code into its `deps`, after the data that it reads."""
    yaml = YAML()
    yaml.width = 200
    yaml.indent(mapping=2, sequence=4, offset=2)
    document = yaml.load(path.read_text(encoding="utf-8"))
    stages = document["stages"]
    for name, files in stage_code(list(stages)).items():
        other = [dep for dep in stages[name]["deps"] if dep not in listed_code(stages[name])]
        stages[name]["deps"] = [*other, *files]
    with whole_file(path) as fresh, fresh.open("w", encoding="utf-8") as file:
        yaml.dump(document, file)


if __name__ == "__main__":
    rewrite()
