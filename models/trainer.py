"""The one training loop: every network in this project learns here.

As pseudo-code::

    for epoch in epochs:
        for group in train_batches:                  # of `accumulate` batches, ordered by (seed, epoch)
            for batch in group:
                for optimiser, loss in task.losses(batch):   # forward in `precision`
                    add its gradient                 # of this process's rows
                    after the group's last batch: step the optimiser   # clipped, at the schedule's rate
        metrics = task.evaluate(validation_batches)
        keep the weights if task.monitor is the best so far; write best.pt and last.pt
        stop after `patience` epochs without a better one
    give the task its best weights back
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from tqdm import tqdm

from models.errors import TrainingError
from models.processes import Crew, launch
from models.schedules import ScheduleName
from models.seeds import seeded
from models.task import Batch, Task
from models.training_run import EpochBatches, History, Run
from models.updates import Precision

__all__ = ["EpochBatches", "History", "fit", "pick_device"]


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
    precision: Precision = "float32",
    accumulate: int = 1,
    compile: bool = False,  # noqa: A002  torch's own word for it
    processes: int = 1,
    checkpoint_folder: Path | None = None,
    checkpoint_every_s: float = 0.0,
    run_key: str = "",
    resume: bool = True,
    device: str = "auto",
    on_resume: Callable[[History], None] | None = None,
    on_epoch: Callable[[int, dict[str, float]], None] | None = None,
    progress: bool = True,
) -> History:
    """Train ``task`` in place and leave it, in eval mode on the device, with its best epoch's weights.

    ``lr`` is the peak rate that ``schedule`` scales over all ``epochs``; ``warm_up`` is the share of steps
    that rise linearly before it. ``clip_norm`` bounds the gradient's 2-norm per optimiser. With
    ``ema_decay`` (per step) the exponential mean of the weights is what is evaluated and kept
    (Polyak and Juditsky 1992; Morales-Brotons et al. 2024). ``patience`` counts epochs. ``precision`` is that
    of the forward passes (``auto``: see ``models.updates.autocast``), ``accumulate`` the batches whose
    gradients make one step, ``compile`` hands the task's modules to ``torch.compile``. ``processes`` above 1
    share each batch's rows (one CUDA device each); everything given is then sent to them by pickle,
    ``on_epoch`` too.

    A run with the same arguments and ``run_key`` (a digest of data and config) whose ``last.pt`` is in
    ``checkpoint_folder`` goes on where it stopped and ends with the weights of an uninterrupted run;
    any other checkpoint is written over. It is written after an epoch, where ``checkpoint_every_s`` have
    passed since the last. ``on_epoch`` gets each epoch (from 0) and its metrics and may raise to stop the
    run, as may ``on_resume``, which gets what a checkpoint remembers before the run goes on. Same seed, data
    and thread count: same weights on a CPU.

    Raises TrainingError for a loss that is not finite, a missing monitor or senseless arguments.
    """
    counts = {"epoch": epochs, "batch": len(train_batches), "step": accumulate, "process": processes}
    for what, count in counts.items():
        if count < 1:
            raise TrainingError(f"expected at least 1 {what}, got {count}")
    settings = {
        "epochs": epochs, "lr": lr, "seed": seed, "patience": patience, "clip_norm": clip_norm,
        "schedule": schedule, "warm_up": warm_up, "ema_decay": ema_decay, "precision": precision,
        "accumulate": accumulate, "compile": compile, "processes": processes, "run_key": run_key,
    }  # fmt: skip
    arguments: dict[str, Any] = {
        "task": task, "train": train_batches, "validation": validation_batches, "settings": settings,
        "device": pick_device(device), "folder": checkpoint_folder, "every_s": checkpoint_every_s,
        "resume": resume, "on_resume": on_resume, "on_epoch": on_epoch, "progress": progress,
    }  # fmt: skip
    if processes == 1:
        return _fit(Crew(), **arguments)[0]
    trained: History
    trained, weights = launch(processes, pick_device(device), _fit, arguments)
    task.load_state_dict({name: torch.from_numpy(weight) for name, weight in weights.items()})
    task.to(pick_device(device)).eval()
    return trained


def _fit(
    crew: Crew,
    *,
    task: Task,
    train: EpochBatches,
    validation: Iterable[Batch],
    settings: dict[str, Any],
    device: torch.device,
    folder: Path | None,
    every_s: float,
    resume: bool,
    on_resume: Callable[[History], None] | None,
    on_epoch: Callable[[int, dict[str, float]], None] | None,
    progress: bool,
) -> tuple[History, dict[str, NDArray[Any]]]:
    """Train in one process of a crew; returns the history and, of several processes, the best weights."""
    if crew.fabric is not None:
        device = crew.fabric.device
    shown = progress and crew.leads
    with seeded(settings["seed"] + 7919 * crew.rank), _compiled(task, settings["compile"]):
        run = Run(task, settings, device, folder, crew, every_s)
        if resume:
            run.resume()
        if on_resume and run.epoch and crew.leads:
            on_resume(run.history)
        steps = len(train)
        total, done = steps * settings["epochs"], steps * run.epoch
        with tqdm(total=total, initial=done, unit="batch", disable=not shown, leave=False) as bar:
            while not run.finished():
                metrics = run.one_epoch(train, validation, bar)
                best = run.best_value()
                bar.set_postfix_str(
                    f"epoch {run.epoch}, {task.monitor} {metrics[task.monitor]:.4f}, best {best:.4f}"
                )
                if on_epoch and crew.leads:
                    on_epoch(run.epoch - 1, metrics)
        run.restore_best()
    if crew.size == 1:
        return run.history, {}
    # As arrays: a tensor's memory would be gone with the process that sends it.
    return run.history, {name: weight.cpu().numpy() for name, weight in run.best_weights.items()}


@contextmanager
def _compiled(task: Task, wanted: bool) -> Iterator[None]:
    """Let torch.compile see the task's modules for a while: wrappers and what they wrap."""
    modules = [inner for child in task.children() for inner in (child, *child.children())] if wanted else []
    for module in modules:
        module.compile()
    try:
        yield
    finally:
        for module in modules:
            module._compiled_call_impl = None
