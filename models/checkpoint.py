"""Checkpoints that are whole or absent: written beside, flushed, then renamed."""

import os
from pathlib import Path
from typing import Any, cast

import torch
from torch.optim import Optimizer

from models.errors import CheckpointError


def save_checkpoint(state: dict[str, Any], path: Path) -> None:
    """Write ``state`` (plain values and tensors) so that a kill leaves the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".part")
    with beside.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def load_checkpoint(path: Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Read a checkpoint; no code in it is run (``weights_only``).

    Raises CheckpointError when the file is absent, cut short or not ours.
    """
    try:
        return cast("dict[str, Any]", torch.load(path, map_location=device, weights_only=True))
    except FileNotFoundError as error:
        raise CheckpointError(f"expected a checkpoint at {path}, found none; train first") from error
    except Exception as error:
        raise CheckpointError(
            f"expected a checkpoint of this project in {path}, could not read it ({type(error).__name__}); "
            "delete the file and train again"
        ) from error


def random_state() -> dict[str, Any]:
    """Return the states of torch's generators."""
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {"cpu": torch.get_rng_state(), "cuda": cuda}


def set_random_state(state: dict[str, Any]) -> None:
    """Set torch's generators to what ``random_state`` returned."""
    torch.set_rng_state(state["cpu"].cpu())
    if state["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all([each.cpu() for each in state["cuda"]])


def optimizer_states(optimizers: dict[str, Optimizer]) -> dict[str, Any]:
    """Return each optimiser's state by name."""
    return {name: optimizer.state_dict() for name, optimizer in optimizers.items()}
