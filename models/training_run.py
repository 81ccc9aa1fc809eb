"""The state of one training run, and what an epoch of it does: everything that a checkpoint must hold."""

import copy
import hashlib
import json
import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, cast

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from models.checkpoint import (
    load_checkpoint,
    optimizer_states,
    random_state,
    save_checkpoint,
    set_random_state,
)
from models.errors import TrainingError
from models.processes import Crew
from models.schedules import rate_factor
from models.task import Batch, Task
from models.updates import Updates


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


class Run:
    """One run of one task in one process of a crew."""

    def __init__(
        self,
        task: Task,
        settings: dict[str, Any],
        device: torch.device,
        folder: Path | None,
        crew: Crew,
        checkpoint_every_s: float = 0.0,
    ) -> None:
        self.task = task.to(device)
        self.settings, self.device, self.folder, self.crew = settings, device, folder, crew
        self.key = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
        self.optimizers = task.optimizers(settings["lr"])
        for group in self._groups():
            group["peak_lr"] = group["lr"]
        self.updates = Updates(
            self.optimizers, device, settings["precision"], settings["clip_norm"],
            crew.mean_gradients if crew.size > 1 else None,
        )  # fmt: skip
        decay = settings["ema_decay"]
        # torch leaves this function untyped. The mean takes in buffers: batch normalisation's statistics.
        ema = get_ema_multi_avg_fn(decay) if decay else None  # type: ignore[no-untyped-call]
        self.mean = AveragedModel(task, multi_avg_fn=ema, use_buffers=True) if ema else None
        self.epoch, self.step = 0, 0
        self.history = History()
        self.best_weights: dict[str, Tensor] = {}
        self.checkpoint_every_s = checkpoint_every_s
        self.saved_at, self.saved_epochs = time.monotonic(), 0

    def one_epoch(self, train: EpochBatches, validation: Iterable[Batch], bar: Any) -> dict[str, float]:
        """Train, evaluate, keep the best, write the checkpoints; returns the epoch's metrics."""
        train.set_epoch(self.epoch)
        try:
            losses = self._train(train, bar)
        except TrainingError as error:
            raise TrainingError(
                f"{error} at step {self.step} (epoch {self.epoch}); try a lower lr than "
                f"{self.settings['lr']:g}, clip_norm=1.0 or a longer warm_up"
            ) from error
        judged = self._evaluate(validation) if self.crew.leads else {}
        metrics: dict[str, float] = self.crew.from_lead(losses | judged)
        self._note(metrics)
        self.epoch += 1
        self.save()
        return metrics

    def _train(self, batches: EpochBatches, bar: Any) -> dict[str, float]:
        self.task.train()
        totals: dict[str, float | Tensor] = dict.fromkeys(self.optimizers, 0.0)
        size = self.settings["accumulate"]
        steps = -(-len(batches) // size) * self.settings["epochs"]
        shares = self.crew.shares(batches)
        while group := list(islice(shares, size)):
            self._set_rates(steps)
            self._train_group(group, totals)
            self.step += 1
            if self.mean is not None:
                self.mean.update_parameters(self.task)
            bar.update(len(group))
        return {f"loss_{name}": _finite(total) / len(batches) for name, total in totals.items()}

    def _train_group(self, group: list[tuple[Batch, float]], totals: dict[str, float | Tensor]) -> None:
        last = len(group) - 1
        for place, (batch, weight) in enumerate(group):
            losses = self.task.losses(self._here(batch))
            while (item := self.updates.advance(losses)) is not None:
                name, loss = item
                totals[name] += self.updates.add(name, loss, weight / len(group), first=place == 0)
                if place == last:
                    self.updates.step(name)

    def _here(self, batch: Batch) -> Batch:
        return {name: tensor.to(self.device, non_blocking=True) for name, tensor in batch.items()}

    def _set_rates(self, steps: int) -> None:
        factor = rate_factor(self.settings["schedule"], self.step, steps, self.settings["warm_up"])
        for group in self._groups():
            group["lr"] = group["peak_lr"] * factor

    def _groups(self) -> Iterator[dict[str, Any]]:
        # Asked anew each time: loading an optimiser's state gives it other groups.
        return (group for optimizer in self.optimizers.values() for group in optimizer.param_groups)

    def _judged(self) -> Task:
        """Return the task whose weights are evaluated and kept."""
        return self.task if self.mean is None else cast("Task", self.mean.module)

    @torch.no_grad()
    def _evaluate(self, batches: Iterable[Batch]) -> dict[str, float]:
        judged = self._judged().eval()
        with self.updates.autocast:
            metrics = judged.evaluate(map(self._here, batches))
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
        """Write best.pt, then last.pt, where it is time to.

        A kill between them repeats what came since the last time, with the same result.
        """
        if self.folder is None or time.monotonic() - self.saved_at < self.checkpoint_every_s:
            return
        random = self.crew.gathered(random_state())
        if not self.crew.leads:
            return
        if self.history.best_epoch >= self.saved_epochs:
            best = {
                "weights": self.best_weights,
                "metrics": self.history.best,
                "epoch": self.history.best_epoch,
            }
            save_checkpoint(best, self.folder / "best.pt")
        state = {
            "key": self.key, "epoch": self.epoch, "step": self.step, "weights": self.task.state_dict(),
            "mean": self.mean.state_dict() if self.mean is not None else None,
            "scaler": self.updates.scaler.state_dict() if self.updates.scaler is not None else None,
            "best_weights": self.best_weights, "optimizers": optimizer_states(self.optimizers),
            "random": random, "history": asdict(self.history),
        }  # fmt: skip
        save_checkpoint(state, self.folder / "last.pt")
        self.saved_at, self.saved_epochs = time.monotonic(), self.epoch

    def resume(self) -> None:
        """Take up last.pt where there is one of this very run; leave everything as it is otherwise."""
        if self.folder is None or not (self.folder / "last.pt").exists():
            return
        state = load_checkpoint(self.folder / "last.pt", self.device)
        if state["key"] != self.key:
            return
        self.epoch, self.step = state["epoch"], state["step"]
        self.saved_epochs = self.epoch
        self.task.load_state_dict(state["weights"])
        if self.mean is not None:
            self.mean.load_state_dict(state["mean"])
        for name, optimizer in self.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
        self.history, self.best_weights = History(**state["history"]), state["best_weights"]
        if self.updates.scaler is not None:
            self.updates.scaler.load_state_dict(state["scaler"])
        set_random_state(state["random"][self.crew.rank])

    def restore_best(self) -> None:
        """Give the task the weights of its best epoch."""
        self.task.load_state_dict(self.best_weights)
        self.task.eval()


def _finite(total: float | Tensor) -> float:
    value = float(total)
    if not math.isfinite(value):
        raise TrainingError(f"expected a finite loss, got {value}")
    return value
