"""A copy of the repository whose site has sixty houses and whose budgets are seconds."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
HOMES = 60

SMALL: dict[str, dict[str, Any]] = {
    "parse": {"workers": 1},
    "prepare": {"on_constant": "drop", "fractions": [0.6, 0.2, 0.2]},
    "select_features": {
        "keep": 20,
        "resamples": 2,
        "methods": ["pearson", "lasso", "gini"],
        "bake_off": {"methods": ["pearson", "anova"], "sizes": [5, 20], "folds": 2},
    },
    "ensemble": {
        "presets": {
            "quick": {
                "families": {"GBM": {"num_boost_round": 20}, "LR": {}},
                "folds": 2,
                "stack_levels": 1,
                "stacked": ["LR"],
                "time_limit_s": 600,
            }
        }
    },
    "tune": {"trials": 3, "epochs": 4, "patience": 4, "startup_trials": 2, "warm_up_steps": 1, "audit": 2},
    "train": {"epochs": 10, "patience": 10},
    "evaluate": {"bootstrap": 50},
    "decompose": {"refits": 2, "bagged_trees": 5, "stacked_folds": 2, "bootstrap": 50},
    # A network that has seen 36 houses for ten epochs knows little: it is tested for having an answer.
    "export": {
        "behaviour": {
            "same_factor": 1.00001,
            "ignored": ["listing_no"],
            "directions": [{"name": "better finish", "steps": {"overall_qual": 1}, "at_least": -0.1}],
            "cases": [{"name": "a house", "record": {"gr_liv_area": 1500}, "between": [20_000, 2_000_000]}],
            "baseline": "median",
            "slice_rows": 4,
            "slice_factor": 10.0,
            "missing_factor": 5.0,
            "unseen_factor": 5.0,
        }
    },
}


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def small_repository(folder: Path) -> Path:
    """A git repository with this tree's files, the site cut to 60 houses and the budgets to seconds."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file() and name != "dvc.lock":
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    edit(folder / "scrapers/sites/ames.yaml", small_site)
    edit(
        folder / "params.yaml",
        lambda params: {name: {**params[name], **SMALL.get(name, {})} for name in params},
    )
    return folder


def small_site(spec: dict[str, Any]) -> dict[str, Any]:
    spec["base_url"] = f"http://127.0.0.1:{free_port()}"
    spec["server"]["command"] += ["--limit", str(HOMES)]
    for kind in ("home", "neighborhood"):
        spec["pages"][kind]["expect"] = {"records": HOMES}
    return spec


def edit(path: Path, change: Callable[[Any], Any]) -> None:
    """Rewrite a YAML file."""
    path.write_text(yaml.safe_dump(change(yaml.safe_load(path.read_text())), sort_keys=False))


def command(*words: str, cwd: Path, check: bool = True, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a program of this environment, with `more` in it, in `cwd`; its output is kept as text."""
    done = subprocess.run(
        words, cwd=cwd, env={**environment(), **more}, capture_output=True, text=True, check=False
    )
    assert not check or done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done


def environment() -> dict[str, str]:
    """This environment with its own programs first on the PATH, and quiet libraries."""
    programs = str(Path(sys.executable).parent)
    return {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "DVC_NO_ANALYTICS": "1",
        "OMP_WAIT_POLICY": "passive",
    }
