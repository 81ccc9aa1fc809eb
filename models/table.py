"""A network of the catalogue on an encoded table: fit, save, load, predict."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.catalog import entry
from models.checkpoint import load_checkpoint, save_checkpoint
from models.data.batches import TensorBatches
from models.errors import CatalogError, CheckpointError, ModelError
from models.layers.numeric import table_shape
from models.schedules import ScheduleName
from models.seeds import seeded
from models.tasks.regression import Regression, TargetScale
from models.trainer import History, fit

Rows = tuple[pd.DataFrame, "pd.Series[float]"]
"""An encoded frame (rows, features; finite numbers) and its target (rows,)."""


@dataclass(frozen=True)
class Training:
    """How a table network is trained; ``lr`` is the peak rate, ``batch_size`` counts rows."""

    lr: float = 2e-3
    weight_decay: float = 1e-2
    batch_size: int = 32
    schedule: ScheduleName = "cosine"
    warm_up: float = 0.0
    clip_norm: float | None = 1.0
    ema_decay: float | None = None


@dataclass
class TableNetwork:
    """A network for an encoded table and what it takes to build it again.

    ``config`` holds every entry of the network's config, ``columns`` the features in order.
    """

    network: str
    config: dict[str, Any]
    columns: tuple[str, ...]
    task: Regression


def fit_network(
    train: Rows,
    validation: Rows,
    *,
    network: str,
    params: Mapping[str, Mapping[str, Any]],
    epochs: int,
    patience: int | None,
    seed: int,
    threads: int,
    output: str = "y",
    checkpoint_folder: Path | None = None,
    checkpoint_every_s: float = 0.0,
    run_key: str = "",
    on_resume: Callable[[History], None] | None = None,
    on_epoch: Callable[[int, dict[str, float]], None] | None = None,
    progress: bool = True,
) -> tuple[TableNetwork, History]:
    """Build ``network`` of the catalogue and train it on ``train`` until ``validation`` gets no better.

    ``params`` has the entries that a study found: ``network`` for the config, ``training`` for Training.
    ``run_key`` is a digest of what else the result depends on (the code); data and ``params`` are counted
    in here. Same arguments, same weights. Raises ModelError for what cannot be trained on.
    """
    x, y = tensors(train)
    training = _dataclass(Training, params.get("training", {}))
    fitted = _build(
        network, params.get("network", {}), train, seed=seed, decay=training.weight_decay, output=output
    )
    key = f"{run_key}/{digest_rows(train, validation)}/{json.dumps([network, params], sort_keys=True)}"
    x_validation, y_validation = tensors(validation)
    # On the CPU always: so small a network gains nothing elsewhere, and here the same call repeats exactly.
    with torch_threads(threads):
        history = fit(
            fitted.task,
            TensorBatches({"x": x, "y": y}, batch_size=training.batch_size, shuffle=True, seed=seed),
            TensorBatches({"x": x_validation, "y": y_validation}, batch_size=1024),
            epochs=epochs, lr=training.lr, seed=seed, patience=patience, clip_norm=training.clip_norm,
            schedule=training.schedule, warm_up=training.warm_up, ema_decay=training.ema_decay,
            checkpoint_folder=checkpoint_folder, checkpoint_every_s=checkpoint_every_s, run_key=key,
            device="cpu", on_resume=on_resume, on_epoch=on_epoch, progress=progress,
        )  # fmt: skip
    return fitted, history


def save_network(fitted: TableNetwork, folder: Path) -> None:
    """Write ``network.json`` and ``network.pt`` under ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    save_checkpoint({"weights": fitted.task.state_dict()}, folder / "network.pt")
    about = {
        "network": fitted.network,
        "config": fitted.config,
        "columns": list(fitted.columns),
        "output": fitted.task.output,
    }
    (folder / "network.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


def load_network(folder: Path) -> TableNetwork:
    """Read what ``save_network`` wrote, in eval mode; raises CheckpointError when it is not whole."""
    try:
        about = json.loads((folder / "network.json").read_text(encoding="utf-8"))
        return _rebuilt(about, load_checkpoint(folder / "network.pt")["weights"])
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise CheckpointError(
            f"expected a saved network in {folder}, found none that is whole; train again"
        ) from error


def _rebuilt(about: Mapping[str, Any], weights: dict[str, Tensor]) -> TableNetwork:
    chosen = entry(about["network"])
    config = _dataclass(chosen.config, about["config"])
    task = Regression(
        chosen.network(config),
        TargetScale(),
        features=len(about["columns"]),
        output=about["output"],
    )
    task.load_state_dict(weights)
    task.eval()
    return TableNetwork(about["network"], about["config"], tuple(about["columns"]), task)


def predict_network(fitted: TableNetwork, X: pd.DataFrame) -> NDArray[np.float64]:
    """Predictions (rows,) in the target's unit; raises ModelError when a column is absent."""
    absent = [name for name in fitted.columns if name not in X.columns]
    if absent:
        raise ModelError(
            f"expected the {len(fitted.columns)} features of training, {absent[0]!r} is absent; encode anew"
        )
    x = torch.from_numpy(X[list(fitted.columns)].to_numpy(dtype=np.float32, copy=True))
    with torch.no_grad():
        return np.asarray(fitted.task.head(x).squeeze(1).numpy(), dtype=np.float64)


def tensors(rows: Rows) -> tuple[Tensor, Tensor]:
    """Return x_RF and y_R as float32 tensors."""
    X, y = rows
    return (
        torch.from_numpy(X.to_numpy(dtype=np.float32, copy=True)),
        torch.from_numpy(y.to_numpy(dtype=np.float32, copy=True)),
    )


def digest_rows(*parts: Rows) -> str:
    """SHA-256 of the features' names and all values."""
    total = hashlib.sha256()
    for X, y in parts:
        total.update(json.dumps([*map(str, X.columns), *X.shape]).encode())
        total.update(np.ascontiguousarray(X.to_numpy(dtype=np.float32)).tobytes())
        total.update(np.ascontiguousarray(y.to_numpy(dtype=np.float64)).tobytes())
    return total.hexdigest()


@contextmanager
def torch_threads(threads: int) -> Iterator[None]:
    """Run a block with this many torch threads, and give the former number back."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _build(
    network: str, entries: Mapping[str, Any], train: Rows, *, seed: int, decay: float, output: str
) -> TableNetwork:
    chosen = entry(network)
    x, y = tensors(train)
    config = _dataclass(chosen.config, {**table_shape(x), **entries})
    with seeded(seed):
        module = chosen.network(config)
    calibrate: Callable[[Tensor], None] | None = getattr(module, "calibrate", None)
    if calibrate is None:
        raise CatalogError(f"expected a network for tables, got {network!r}, which has no calibrate(rows)")
    calibrate(x)
    task = Regression(module, TargetScale.of(y), features=x.shape[1], weight_decay=decay, output=output)
    return TableNetwork(network, asdict(config), tuple(map(str, train[0].columns)), task)


def _dataclass(kind: type[Any], entries: Mapping[str, Any]) -> Any:
    """Build a config from JSON or YAML, whose lists are the config's tuples."""
    plain = {name: tuple(value) if isinstance(value, list) else value for name, value in entries.items()}
    try:
        return kind(**plain)
    except TypeError as error:
        raise CatalogError(f"{kind.__name__} takes other entries: {error}; mend the parameters") from error
