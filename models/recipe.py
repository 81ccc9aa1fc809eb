"""A recipe: everything between data and a served network that its kind of task decides.

The zoo's stages call the same six methods for every network: ``learner`` builds it for the data, ``batches``
feeds the trainer, ``evaluate`` and ``evidence`` judge it, ``export`` makes its graphs and proves them,
``sample`` shows what it does.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onnx import ModelProto

from models.checkpoint import load_checkpoint, save_checkpoint
from models.data.data import Data, Part
from models.errors import CatalogError, CheckpointError
from models.task import Batch, Task
from models.trainer import EpochBatches
from serving.bundle import Form, Input, Output

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from models.catalog import Entry


@dataclass
class Learner:
    """A task and what it takes to build it again.

    ``config`` holds every entry of the network's config, ``options`` the task's own arguments, ``labels`` the
    classes, ``assets`` further files by name (the tokenizer), which travel with the weights and the bundle.
    """

    name: str
    config: dict[str, Any]
    options: dict[str, Any]
    labels: tuple[str, ...]
    assets: dict[str, bytes]
    task: Task


@dataclass(frozen=True)
class Export:
    """Graphs that answer as torch does, proven, and what their bundle says of them.

    ``parity`` is written as parity.json; ``extras`` are further files of the bundle (the tokenizer, a second
    graph); ``example`` is one record as a client sends it.
    """

    graph: ModelProto
    task: str
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    parity: dict[str, Any]
    form: Form | None = None
    extras: dict[str, bytes] = field(default_factory=dict)
    example: dict[str, Any] = field(default_factory=dict)


class Recipe(ABC):
    """One kind of work; see the module's docstring for the order of the calls."""

    @abstractmethod
    def learner(
        self,
        name: str,
        entry: "Entry",
        data: Data,
        *,
        network: Mapping[str, Any],
        options: Mapping[str, Any],
        seed: int,
    ) -> Learner:
        """Build the network called ``name`` for ``data``, untrained.

        ``network`` are entries of its config beside those that the data decide, ``options`` the task's.
        """

    @abstractmethod
    def rebuild(
        self, entry: "Entry", config: Any, options: Mapping[str, Any], labels: tuple[str, ...]
    ) -> Task:
        """Build the task of a saved learner; its weights are loaded after this."""

    @abstractmethod
    def batches(
        self, learner: Learner, part: Part, *, batch_size: int, shuffle: bool = False, seed: int = 0
    ) -> EpochBatches:
        """Batches of a split; shuffled ones by (seed, epoch)."""

    def evaluate(self, learner: Learner, part: Part, *, batch_size: int) -> dict[str, float]:
        """Metrics of a trained learner on a split that it has not seen; the task's own unless overridden."""
        import torch

        learner.task.eval()
        device = next(learner.task.parameters()).device
        batches: Iterable[Batch] = self.batches(learner, part, batch_size=batch_size)
        with torch.no_grad():
            return learner.task.evaluate(
                {name: tensor.to(device) for name, tensor in batch.items()} for batch in batches
            )

    # Hooks, not duties: most kinds have nothing to restore, nothing to watch and no pictures.
    def restore(self, _learner: Learner) -> None:  # noqa: B027
        """Give a learner that was read from files what is in its assets and not in its weights."""

    def watch(self, _learner: Learner, _folder: Path) -> Callable[[int, dict[str, float]], None] | None:
        """Return what is called after each epoch to write pictures of the learning into a folder."""
        return None

    def evidence(self, _learner: Learner, _part: Part) -> "dict[str, Figure]":
        """Pictures for the report by file stem: mistakes, samples, attention; none unless overridden."""
        return {}

    @abstractmethod
    def export(self, learner: Learner, part: Part, *, tolerance: float) -> Export:
        """Make the graphs and prove them on rows of ``part``; raises ParityError or ExportError."""

    @abstractmethod
    def sample(self, learner: Learner, part: Part, *, count: int, seed: int, folder: Path) -> list[str]:
        """Show ``count`` answers: lines to print; pictures go into ``folder`` and are named by the lines."""


def build_config(entry: "Entry", entries: Mapping[str, Any]) -> Any:
    """Build a network's config from JSON or YAML, whose lists are the config's tuples."""
    plain = {name: tuple(value) if isinstance(value, list) else value for name, value in entries.items()}
    try:
        return entry.config(**plain)
    except TypeError as error:
        raise CatalogError(
            f"{entry.config.__name__} takes other entries: {error}; mend the parameters"
        ) from error


def save_learner(learner: Learner, folder: Path) -> None:
    """Write ``network.json``, ``network.pt`` and the assets under ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    save_checkpoint({"weights": learner.task.state_dict()}, folder / "network.pt")
    for name, content in learner.assets.items():
        (folder / name).write_bytes(content)
    about = {
        "network": learner.name, "config": learner.config, "options": learner.options,
        "labels": list(learner.labels), "assets": sorted(learner.assets),
    }  # fmt: skip
    (folder / "network.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


def load_learner(folder: Path, entry: "Entry", recipe: Recipe) -> Learner:
    """Read what ``save_learner`` wrote, in eval mode; raises CheckpointError when it is not whole."""
    try:
        about = json.loads((folder / "network.json").read_text(encoding="utf-8"))
        labels = tuple(about["labels"])
        task = recipe.rebuild(entry, build_config(entry, about["config"]), about["options"], labels)
        task.load_state_dict(load_checkpoint(folder / "network.pt")["weights"])
        assets = {name: (folder / name).read_bytes() for name in about["assets"]}
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise CheckpointError(
            f"expected a saved network in {folder}, found none that is whole; train again"
        ) from error
    task.eval()
    learner = Learner(about["network"], about["config"], about["options"], labels, assets, task)
    recipe.restore(learner)
    return learner
