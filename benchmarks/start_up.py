"""What `millrace serve` costs before its first answer: packages, processor time, from nothing to ready.

Only what `pip install 'millrace[serve]'` brings can be imported: the packages of the extra, as they are
installed here, are linked into a folder that is the service's whole world. Without --models a graph of trees
of 38 MB is made, the size of the chain's ensemble.

    python benchmarks/start_up.py [--models artifacts/models] [--times 5]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import Distribution, distribution
from pathlib import Path

import numpy as np
import psutil
from onnx import TensorProto, helper
from packaging.requirements import Requirement

sys.path.insert(0, str(Path(__file__).parent))
from machine import machine

from serving.bundle import Bundle, Input, Output
from serving.bundle_files import write_bundle

ROOMS = ("pipeline", "scrapers", "features", "models", "serving")
WIDTH, TREES, DEPTH = 80, 569, 11


def packages_of(name: str, extras: tuple[str, ...]) -> dict[str, Distribution]:
    """Every package that `pip install 'name[extras]'` brings, by name; `name` itself is not among them."""
    found: dict[str, Distribution] = {}
    asked: set[tuple[str, tuple[str, ...]]] = set()
    waiting = [(name, extras)]
    while waiting:
        asked.add(now := waiting.pop())
        found[now[0]] = distribution(now[0])
        for text in found[now[0]].requires or []:
            need = Requirement(text)
            wanted = need.marker is None or any(need.marker.evaluate({"extra": e}) for e in now[1] or ("",))
            after = (need.name, tuple(need.extras))
            waiting += [after] * (wanted and after not in asked)
    return {key: each for key, each in found.items() if key != name}


def size_mib(packages: dict[str, Distribution]) -> float:
    """What the packages take on disk, without what Python compiles."""
    paths = (Path(str(file.locate())) for each in packages.values() for file in each.files or [])
    return sum(path.stat().st_size for path in paths if path.suffix != ".pyc" and path.exists()) / 2**20


def link_world(folder: Path, packages: dict[str, Distribution], rooms: Path) -> None:
    """Link the packages, and the rooms of Millrace, into `folder`."""
    for each in packages.values():
        for name in {file.parts[0] for file in each.files or []} - {"..", "__pycache__"}:
            if not (folder / name).exists():
                (folder / name).symlink_to(Path(str(each.locate_file(name))))
    for room in ROOMS:
        (folder / room).symlink_to(rooms / room)


def write_trees(root: Path, version: int = 1) -> Path:
    """A bundle of TREES full trees over WIDTH numbers, 38 MB; gives the graph's file."""
    rng = np.random.default_rng(0)
    inner = 2 ** (DEPTH - 1) - 1
    nodes = 2 * inner + 1
    leaf = np.arange(nodes) >= inner
    children = np.where(leaf, 0, 2 * np.arange(nodes) + 1)
    every = TREES * nodes
    graph = helper.make_node(
        "TreeEnsembleRegressor", ["features"], ["score"], domain="ai.onnx.ml", n_targets=1,
        nodes_treeids=np.repeat(np.arange(TREES), nodes).tolist(),
        nodes_nodeids=np.tile(np.arange(nodes), TREES).tolist(),
        nodes_featureids=rng.integers(0, WIDTH, every).tolist(),
        nodes_values=rng.standard_normal(every).astype(np.float32).tolist(),
        nodes_modes=np.tile(np.where(leaf, "LEAF", "BRANCH_LT"), TREES).tolist(),
        nodes_truenodeids=np.tile(children, TREES).tolist(),
        nodes_falsenodeids=np.tile(np.where(leaf, 0, children + 1), TREES).tolist(),
        target_treeids=np.repeat(np.arange(TREES), inner + 1).tolist(),
        target_nodeids=np.tile(np.arange(inner, nodes), TREES).tolist(),
        target_ids=[0] * (TREES * (inner + 1)),
        target_weights=rng.standard_normal(TREES * (inner + 1)).astype(np.float32).tolist(),
    )  # fmt: skip
    sides = [
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", size])]
        for name, size in (("features", WIDTH), ("score", 1))
    ]
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    made = helper.make_model(
        helper.make_graph([graph], "trees", sides[0], sides[1]), opset_imports=opsets, ir_version=8
    )
    bundle = Bundle(
        name="trees", version=version, task="regression", outputs=(Output(name="score", datatype="FP32"),),
        inputs=(Input(name="features", datatype="FP32", shape=(-1, WIDTH), kind="tensor"),),
        example={"features": [0.0] * WIDTH},
    )  # fmt: skip
    write_bundle(root / "trees" / str(version), made.SerializeToString(), bundle)
    return root / "trees" / str(version) / "model.onnx"


def start(world: Path, models: Path) -> tuple[subprocess.Popen[str], str, dict[str, float]]:
    """The service once it answers, its greeting, and its seconds of processor and clock until then."""
    command = [sys.executable, "-S", "-m", "pipeline.cli", "serve", "--models", str(models.resolve())]
    began = time.perf_counter()
    process = subprocess.Popen(
        [*command, "--port", "0"], cwd=world, env=os.environ | {"PYTHONPATH": str(world)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    said = ""
    for line in process.stdout or ():
        said += line
        if "/docs" in line:
            break
    else:
        sys.exit(f"error: the service did not start: {process.communicate()[1][-800:]}")
    used = psutil.Process(process.pid).cpu_times()
    took = {"ready_cpu_s": used.user + used.system, "ready_s": time.perf_counter() - began}
    return process, said, took


def main() -> None:
    """Start the service so often, and print the medians as one JSON line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--models", type=Path, help="a folder of bundles; without it, a graph of 38 MB")
    parser.add_argument("--times", type=int, default=5)
    args = parser.parse_args()
    print(machine(), file=sys.stderr)
    packages = packages_of("millrace", ("serve",))
    with tempfile.TemporaryDirectory() as scratch:
        world, models = Path(scratch) / "world", args.models or Path(scratch) / "models"
        world.mkdir()
        link_world(world, packages, Path(__file__).parent.parent)
        if args.models is None:
            write_trees(models)
        times = []
        for _ in range(args.times):
            process, _, took = start(world, models)
            process.terminate()
            process.communicate(timeout=30)
            times.append(took)
    figures = {key: round(statistics.median(each[key] for each in times), 2) for key in times[0]}
    print(json.dumps({"packages": len(packages), "installed_mib": round(size_mib(packages)), **figures}))


if __name__ == "__main__":
    main()
