"""The one training loop: every network in this project learns here.

As pseudo-code::

    for epoch in epochs:
        for batch in train_batches:              # ordered by (seed, epoch)
            for optimiser, loss in task.losses(batch):
                step the optimiser on the loss   # clipped, at the schedule's rate
        metrics = task.evaluate(validation_batches)
        keep the weights if task.monitor is the best so far; write best.pt and last.pt
        stop after `patience` epochs without a better one
    give the task its best weights back
"""

import copy
import hashlib
import json
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol, cast

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from models.checkpoint import (
    load_checkpoint,
    optimizer_states,
    random_state,
    save_checkpoint,
    set_random_state,
)
from models.errors import TrainingError
from models.schedules import ScheduleName, rate_factor
from models.task import Batch, Task


class EpochBatches(Protocol):
    """Training batches whose order is a function of the epoch, so that a resumed run repeats it."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Batch]: ...

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next pass."""


@dataclass
class History:
    """What happened: metrics by epoch (with mean training loss per optimiser) and the best epoch, from 0."""

    epochs: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = -1
    best: dict[str, float] = field(default_factory=dict)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Run a block under torch's generators seeded with ``seed``; the caller's state comes back after it."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


def pick_device(device: str) -> torch.device:
    """Resolve ``auto`` to the first CUDA device, or the CPU where there is none."""
    if device != "auto":
        return torch.device(device)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def fit(
    task: Task,
    train_batches: EpochBatches,
    validation_batches: Iterable[Batch],
    *,
    epochs: int,
    lr: float,
    seed: int,
    patience: int | None = None,
    clip_norm: float | None = None,
    schedule: ScheduleName = "constant",
    warm_up: float = 0.0,
    ema_decay: float | None = None,
    checkpoint_folder: Path | None = None,
    run_key: str = "",
    resume: bool = True,
    device: str = "auto",
    on_epoch: Callable[[int, dict[str, float]], None] | None = None,
    progress: bool = True,
) -> History:
    """Train ``task`` in place and leave it, in eval mode on the device, with its best epoch's weights.

    ``lr`` is the peak rate that ``schedule`` scales over all ``epochs``; ``warm_up`` is the share of steps
    that rise linearly before it. ``clip_norm`` bounds the gradient's 2-norm per optimiser. With
    ``ema_decay`` (per step) the exponential mean of the weights is what is evaluated and kept
    (Polyak and Juditsky 1992; Morales-Brotons et al. 2024). ``patience`` counts epochs.

    A run with the same arguments and ``run_key`` (a digest of data and config) whose ``last.pt`` is in
    ``checkpoint_folder`` goes on where it stopped and ends with the weights of an uninterrupted run;
    any other checkpoint is written over. ``on_epoch`` gets each epoch (from 0) and its metrics and may
    raise to stop the run. Same seed, data and thread count: same weights on a CPU.

    Raises TrainingError for a loss that is not finite, a missing monitor or senseless arguments.
    """
    if epochs < 1 or not len(train_batches):
        raise TrainingError(f"expected at least 1 epoch and 1 batch, got {epochs} and {len(train_batches)}")
    settings = {
        "epochs": epochs, "lr": lr, "seed": seed, "patience": patience, "clip_norm": clip_norm,
        "schedule": schedule, "warm_up": warm_up, "ema_decay": ema_decay, "run_key": run_key,
    }  # fmt: skip
    with seeded(seed):
        run = _Run(task, settings, pick_device(device), checkpoint_folder)
        if resume:
            run.resume()
        with tqdm(total=epochs, initial=run.epoch, unit="epoch", disable=not progress, leave=False) as bar:
            while not run.finished():
                metrics = run.one_epoch(train_batches, validation_batches)
                bar.update()
                bar.set_postfix_str(
                    f"{task.monitor} {metrics[task.monitor]:.4f}, best {run.best_value():.4f}"
                )
                if on_epoch:
                    on_epoch(run.epoch - 1, metrics)
        run.restore_best()
    return run.history


class _Run:
    """The state of one run: everything that a checkpoint must hold to go on exactly."""

    def __init__(
        self, task: Task, settings: dict[str, Any], device: torch.device, folder: Path | None
    ) -> None:
        self.task = task.to(device)
        self.settings, self.device, self.folder = settings, device, folder
        self.key = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
        self.optimizers = task.optimizers(settings["lr"])
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["peak_lr"] = group["lr"]
        decay = settings["ema_decay"]
        # torch leaves this function and Tensor.backward untyped.
        ema = get_ema_multi_avg_fn(decay) if decay else None  # type: ignore[no-untyped-call]
        self.mean = AveragedModel(task, multi_avg_fn=ema) if ema else None
        self.epoch, self.step = 0, 0
        self.history = History()
        self.best_weights: dict[str, Tensor] = {}

    def one_epoch(self, train: EpochBatches, validation: Iterable[Batch]) -> dict[str, float]:
        """Train, evaluate, keep the best, write the checkpoints; returns the epoch's metrics."""
        train.set_epoch(self.epoch)
        metrics = self._train(train) | self._evaluate(validation)
        self._note(metrics)
        self.epoch += 1
        self.save()
        return metrics

    def _train(self, batches: EpochBatches) -> dict[str, float]:
        self.task.train()
        totals: dict[str, Tensor] = {}
        for batch in batches:
            self._set_rates(len(batches))
            on_device = {name: tensor.to(self.device) for name, tensor in batch.items()}
            for name, loss in self.task.losses(on_device):
                self._update(self.optimizers[name], loss)
                totals[name] = totals.get(name, torch.zeros((), device=self.device)) + loss.detach()
            self.step += 1
            if self.mean is not None:
                self.mean.update_parameters(self.task)
        return {f"loss_{name}": total.item() / len(batches) for name, total in totals.items()}

    def _set_rates(self, steps_per_epoch: int) -> None:
        steps = steps_per_epoch * self.settings["epochs"]
        factor = rate_factor(self.settings["schedule"], self.step, steps, self.settings["warm_up"])
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = group["peak_lr"] * factor

    def _update(self, optimizer: Optimizer, loss: Tensor) -> None:
        if not math.isfinite(loss.item()):
            raise TrainingError(
                f"expected a finite loss, got {loss.item()} at step {self.step} (epoch {self.epoch}); "
                f"try a lower lr than {self.settings['lr']:g}, clip_norm=1.0 or a longer warm_up"
            )
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if self.settings["clip_norm"] is not None:
            weights = [weight for group in optimizer.param_groups for weight in group["params"]]
            torch.nn.utils.clip_grad_norm_(weights, self.settings["clip_norm"])
        optimizer.step()

    def _judged(self) -> Task:
        """Return the task whose weights are evaluated and kept."""
        return self.task if self.mean is None else cast("Task", self.mean.module)

    @torch.no_grad()
    def _evaluate(self, batches: Iterable[Batch]) -> dict[str, float]:
        judged = self._judged().eval()
        on_device = ({name: tensor.to(self.device) for name, tensor in batch.items()} for batch in batches)
        metrics = judged.evaluate(on_device)
        if self.task.monitor not in metrics:
            raise TrainingError(
                f"expected evaluate() to return the monitor {self.task.monitor!r}, got {sorted(metrics)}"
            )
        if not math.isfinite(metrics[self.task.monitor]):
            raise TrainingError(
                f"expected a finite {self.task.monitor} in epoch {self.epoch}, got "
                f"{metrics[self.task.monitor]}; try a lower lr than {self.settings['lr']:g} or check "
                "the validation rows"
            )
        return metrics

    def _note(self, metrics: dict[str, float]) -> None:
        self.history.epochs.append(metrics)
        value, best = metrics[self.task.monitor], self.best_value()
        better = value < best if self.task.monitor_mode == "min" else value > best
        if self.history.best_epoch < 0 or better:
            self.history.best_epoch, self.history.best = self.epoch, metrics
            self.best_weights = copy.deepcopy(self._judged().state_dict())

    def best_value(self) -> float:
        """Return the best value of the monitor so far; NaN before the first epoch."""
        return self.history.best.get(self.task.monitor, math.nan)

    def finished(self) -> bool:
        """Say whether all epochs are done or patience has run out."""
        waited = self.epoch - 1 - self.history.best_epoch
        patience = self.settings["patience"]
        return self.epoch >= self.settings["epochs"] or (
            patience is not None and self.epoch > 0 and waited >= patience
        )

    def save(self) -> None:
        """Write best.pt, then last.pt: a kill between them repeats one epoch, with the same result."""
        if self.folder is None:
            return
        if self.history.best_epoch == self.epoch - 1:
            best = {
                "weights": self.best_weights,
                "metrics": self.history.best,
                "epoch": self.history.best_epoch,
            }
            save_checkpoint(best, self.folder / "best.pt")
        state = {
            "key": self.key, "epoch": self.epoch, "step": self.step, "weights": self.task.state_dict(),
            "mean": self.mean.state_dict() if self.mean is not None else None,
            "best_weights": self.best_weights, "optimizers": optimizer_states(self.optimizers),
            "random": random_state(), "history": asdict(self.history),
        }  # fmt: skip
        save_checkpoint(state, self.folder / "last.pt")

    def resume(self) -> None:
        """Take up last.pt where there is one of this very run; leave everything as it is otherwise."""
        if self.folder is None or not (self.folder / "last.pt").exists():
            return
        state = load_checkpoint(self.folder / "last.pt", self.device)
        if state["key"] != self.key:
            return
        self.epoch, self.step = state["epoch"], state["step"]
        self.task.load_state_dict(state["weights"])
        if self.mean is not None:
            self.mean.load_state_dict(state["mean"])
        for name, optimizer in self.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
        self.history, self.best_weights = History(**state["history"]), state["best_weights"]
        set_random_state(state["random"])

    def restore_best(self) -> None:
        """Give the task the weights of its best epoch."""
        self.task.load_state_dict(self.best_weights)
        self.task.eval()
