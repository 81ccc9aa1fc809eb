"""The training loop: order of updates, early stopping, resume, EMA and what stops it."""

import math
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, AdamW, Optimizer

from models.checkpoint import load_checkpoint
from models.data.batches import TensorBatches
from models.errors import TrainingError
from models.seeds import seeded
from models.task import Batch, Served, Task
from models.trainer import fit, pick_device


class Line(Task):
    """A small regression with dropout, so that the random state matters."""

    monitor = "mse"

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 1))

    def optimizers(self, lr: float) -> dict[str, Optimizer]:
        return {"net": AdamW(self.parameters(), lr=lr)}

    def losses(self, batch: Batch) -> Iterator[tuple[str, Tensor]]:
        yield "net", (self.net(batch["x"])[:, 0] - batch["y"]).square().mean()

    def evaluate(self, batches: Iterable[Batch]) -> dict[str, float]:
        errors = [(self.net(batch["x"])[:, 0] - batch["y"]).square() for batch in batches]
        return {"mse": torch.cat(errors).mean().item()}

    def served(self) -> Served:
        return Served(self.net, {"x": torch.zeros(2, 3)}, ("y",))


def rows(count: int = 64, seed: int = 0) -> dict[str, Tensor]:
    x = torch.randn(count, 3, generator=torch.Generator().manual_seed(seed))
    return {"x": x, "y": x @ torch.tensor([1.0, -2.0, 0.5])}


def batches() -> tuple[TensorBatches, TensorBatches]:
    train = TensorBatches(rows(), batch_size=16, shuffle=True, seed=3)
    return train, TensorBatches(rows(32, seed=1), batch_size=32)


def trained(folder: Path | None = None, **options):
    with seeded(7):
        task = Line()
    settings = {
        "epochs": 8, "lr": 0.02, "seed": 5, "schedule": "cosine", "warm_up": 0.1, "clip_norm": 1.0,
        "ema_decay": 0.8, "checkpoint_folder": folder, "progress": False, "device": "cpu",
    }  # fmt: skip
    history = fit(task, *batches(), **{**settings, **options})
    return task, history


def same(first: Task, second: Task) -> bool:
    return all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


class StoppedError(Exception):
    """Raised from on_epoch, as a kill would end the run."""


def stop_after(epoch: int):
    def on_epoch(now: int, metrics: dict[str, float]) -> None:
        if now == epoch:
            raise StoppedError

    return on_epoch


def test_it_learns_and_gives_back_the_best_epoch():
    task, history = trained(epochs=30)
    values = [epoch["mse"] for epoch in history.epochs]
    assert history.best["mse"] == min(values)
    assert values.index(min(values)) == history.best_epoch
    assert min(values) < 0.3 * values[0]
    assert not task.training
    with torch.no_grad():
        assert task.evaluate(batches()[1]) == {"mse": min(values)}


def test_the_same_seed_gives_the_same_weights_and_leaves_the_callers_generator_alone():
    state = torch.get_rng_state()
    first, _ = trained()
    second, _ = trained()
    third, _ = trained(seed=6)
    assert same(first, second)
    assert not same(first, third)
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("ema_decay", [None, 0.8])
@pytest.mark.parametrize("killed_in", [0, 3, 6])
def test_a_resumed_run_ends_with_the_weights_of_an_uninterrupted_one(tmp_path, ema_decay, killed_in):
    whole, expected = trained(ema_decay=ema_decay)
    with pytest.raises(StoppedError):
        trained(tmp_path, ema_decay=ema_decay, on_epoch=stop_after(killed_in))
    resumed, history = trained(tmp_path, ema_decay=ema_decay)
    assert same(whole, resumed)
    assert history == expected


def test_a_kill_between_best_and_last_repeats_the_epoch(tmp_path, monkeypatch):
    whole, expected = trained()
    saved = []

    def save_best_only(state, path):
        saved.append(path.name)
        if len(saved) > 3 and path.name == "last.pt":
            raise StoppedError
        real(state, path)

    import models.training_run as trainer

    real = trainer.save_checkpoint
    monkeypatch.setattr(trainer, "save_checkpoint", save_best_only)
    with pytest.raises(StoppedError):
        trained(tmp_path)
    monkeypatch.undo()
    resumed, history = trained(tmp_path)
    assert same(whole, resumed)
    assert history == expected


def test_a_finished_run_is_not_trained_again(tmp_path):
    first, expected = trained(tmp_path)
    again, history = trained(tmp_path, on_epoch=stop_after(0))
    assert same(first, again)
    assert history == expected
    assert load_checkpoint(tmp_path / "best.pt")["epoch"] == history.best_epoch


@pytest.mark.parametrize("change", [{"lr": 0.03}, {"run_key": "other data"}, {"resume": False}], ids=str)
def test_another_run_starts_afresh(tmp_path, change):
    with pytest.raises(StoppedError):
        trained(tmp_path, on_epoch=stop_after(3))
    epochs = []
    trained(tmp_path, on_epoch=lambda epoch, _: epochs.append(epoch), **change)
    assert epochs == list(range(8))


def test_patience_ends_the_run():
    _, history = trained(epochs=60, lr=0.5, schedule="constant", ema_decay=None, patience=3)
    assert len(history.epochs) == history.best_epoch + 1 + 3 < 60


def test_more_of_the_monitor_may_be_better():
    class Rising(Line):
        monitor, monitor_mode = "score", "max"

        def evaluate(self, batches: Iterable[Batch]) -> dict[str, float]:
            return {"score": -super().evaluate(batches)["mse"]}

    history = fit(Rising(), *batches(), epochs=5, lr=0.02, seed=0, progress=False)
    assert history.best["score"] == max(epoch["score"] for epoch in history.epochs)


def test_each_optimiser_is_stepped_before_the_next_loss_is_asked_for():
    class Pair(Line):
        def __init__(self) -> None:
            super().__init__()
            self.other = nn.Linear(3, 1)
            self.seen: list[tuple[float, float]] = []

        def optimizers(self, lr: float) -> dict[str, Optimizer]:
            return {"net": SGD(self.net.parameters(), lr), "other": SGD(self.other.parameters(), lr)}

        def losses(self, batch: Batch) -> Iterator[tuple[str, Tensor]]:
            before = self.net[0].weight.sum().item()
            yield "net", self.net(batch["x"]).square().mean() + self.other(batch["x"]).mean()
            kept = self.other.weight.clone()
            self.seen.append((before, self.net[0].weight.sum().item()))
            assert torch.equal(kept, self.other.weight)
            yield "other", self.other(batch["x"]).square().mean()
            assert not torch.equal(kept, self.other.weight)

    task = Pair()
    history = fit(task, *batches(), epochs=1, lr=0.1, seed=0, progress=False)
    assert all(before != after for before, after in task.seen)
    assert {"loss_net", "loss_other", "mse"} == set(history.epochs[0])


def test_a_loss_that_is_not_finite_says_what_to_try():
    class Diverging(Line):
        def losses(self, batch: Batch) -> Iterator[tuple[str, Tensor]]:
            yield "net", self.net(batch["x"]).mean() * math.nan

    with pytest.raises(TrainingError, match=r"got nan at step 0 .*lower lr than 0.1, clip_norm"):
        fit(Diverging(), *batches(), epochs=1, lr=0.1, seed=0, progress=False)


@pytest.mark.parametrize(
    ("metrics", "message"), [({"mae": 1.0}, "monitor 'mse'"), ({"mse": math.nan}, "finite mse")]
)
def test_a_monitor_that_is_missing_or_not_finite_is_named(metrics, message):
    class Blind(Line):
        def evaluate(self, batches: Iterable[Batch]) -> dict[str, float]:
            return metrics

    with pytest.raises(TrainingError, match=message):
        fit(Blind(), *batches(), epochs=1, lr=0.1, seed=0, progress=False)


def test_no_epochs_are_refused():
    with pytest.raises(TrainingError, match="at least 1 epoch"):
        trained(epochs=0)


def test_ema_evaluates_the_mean_of_the_weights():
    plain, _ = trained(ema_decay=None, epochs=1)
    slow, _ = trained(ema_decay=0.999, epochs=1)
    with seeded(7):
        start = Line()
    # After so few steps a slow mean has hardly left its start.
    moved = [(a - b).norm() for a, b in zip(plain.parameters(), start.parameters(), strict=True)]
    lagged = [(a - b).norm() for a, b in zip(slow.parameters(), start.parameters(), strict=True)]
    assert sum(lagged) < 0.5 * sum(moved)


def test_the_progress_bar_shows_the_best_value(capsys):
    trained(progress=True, epochs=2)
    assert "best" in capsys.readouterr().err


def test_auto_picks_a_device_that_exists():
    assert pick_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert pick_device("cpu").type == "cpu"
