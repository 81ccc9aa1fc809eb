"""A virtual environment for each peer, made once and kept: a peer's pins are not ours."""

import subprocess
import sys
from pathlib import Path

PACKAGES = {
    "bentoml": ["bentoml==1.4.40", "onnxruntime"],
    "kserve": ["kserve==0.21.0", "onnxruntime"],
    # Its loop is made by a call that newer uvloop refuses.
    "mlserver": ["mlserver==1.7.1", "uvloop<0.22", "onnxruntime"],
    "pytriton": ["nvidia-pytriton==0.7.0", "onnxruntime"],
    "litserve": ["litserve==0.2.19", "onnxruntime"],
}
SYSTEM_PYTHON = {"pytriton": "/usr/bin/python3"}
"""Triton loads the system's libpython, which runs the standard library of no other build."""


def python_of(peer: str, folder: Path) -> Path:
    """The interpreter of a peer's environment under `folder`, which is made where it is not there."""
    home = folder / peer
    python, done = home / "bin" / "python", home / ".done"
    if not done.exists():
        print(f"installing {peer} into {home} ...", file=sys.stderr)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        for command in (
            [SYSTEM_PYTHON.get(peer, sys.executable), "-m", "venv", "--clear", str(home)],
            [*pip, *PACKAGES[peer]],
        ):
            if subprocess.run(command, check=False).returncode:
                sys.exit(f"error: {peer} cannot be installed here: leave out --with {peer}")
        done.touch()
    return python
