"""Precision, accumulation, compilation and several processes of the one trainer."""

from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, Optimizer

from models.errors import TrainingError
from models.seeds import seeded
from models.task import Batch
from models.trainer import fit
from tests.models.lines import BrokenLine, PlainLine, line_batches


def trained(
    kind: type[PlainLine] = PlainLine, batch_size: int = 16, rows: int = 60, **options: Any
) -> PlainLine:
    with seeded(7):
        task = kind()
    settings = {"epochs": 3, "lr": 0.02, "seed": 5, "schedule": "cosine", "progress": False, "device": "cpu"}
    fit(task, line_batches(batch_size, rows), line_batches(64, rows), **{**settings, **options})
    return task


def differences(one: PlainLine, two: PlainLine) -> list[float]:
    return [(a - b).abs().max().item() for a, b in zip(one.parameters(), two.parameters(), strict=True)]


def test_accumulated_batches_make_the_step_of_one_batch():
    whole, parts = trained(batch_size=20), trained(batch_size=5, accumulate=4)
    assert max(differences(whole, parts)) < 1e-6


def test_a_short_last_group_counts_as_a_step_of_its_own():
    # 3 batches of 20, two at a time: 40 rows, then 20.
    assert max(differences(trained(batch_size=20, accumulate=2), trained(batch_size=40))) < 1e-6


def test_an_accumulated_loss_leaves_nothing_in_another_optimisers_weights():
    class Pair(PlainLine):
        def __init__(self) -> None:
            super().__init__()
            self.critic = nn.Linear(1, 1)

        def optimizers(self, lr: float) -> dict[str, Optimizer]:
            return {"net": SGD(self.net.parameters(), lr), "critic": SGD(self.critic.parameters(), lr)}

        def losses(self, batch: Batch) -> Iterator[tuple[str, Tensor]]:
            yield "net", self.critic(self.net(batch["x"])).square().mean()
            yield "critic", (self.critic(batch["y"][:, None]) * 0).sum()

    with seeded(7):
        start = Pair().critic.weight.clone()
    task = trained(Pair, accumulate=2)
    assert torch.equal(task.critic.weight, start)


def test_bfloat16_learns_and_keeps_float32_weights():
    plain, mixed = trained(epochs=20), trained(epochs=20, precision="bfloat16")
    assert {weight.dtype for weight in mixed.parameters()} == {torch.float32}
    assert 0 < max(differences(plain, mixed)) < 0.1


@pytest.mark.parametrize("able", [{}, {"amx_bf16": False, "avx512_bf16": True}, {"avx512_bf16": False}])
def test_auto_is_bfloat16_where_the_processor_multiplies_it(able, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
    wanted = "bfloat16" if any(able.values()) else "float32"
    assert max(differences(trained(precision=wanted), trained(precision="auto"))) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "float16"}, "CUDA device for float16, got cpu; use bfloat16"),
        ({"precision": "double"}, "precision among .*got 'double'"),
        ({"accumulate": 0}, "at least 1 step"),
        ({"processes": 0}, "at least 1 process"),
    ],
)
def test_senseless_options_are_refused(options, message):
    with pytest.raises(TrainingError, match=message):
        trained(**options)


@pytest.mark.slow
@pytest.mark.filterwarnings(
    "ignore:`torch.jit.script_method` is deprecated:DeprecationWarning"
)  # torch's own
def test_a_compiled_run_learns_the_same_and_leaves_nothing_compiled():
    plain, compiled = trained(), trained(compile=True)
    assert max(differences(plain, compiled)) < 1e-4
    assert all(module._compiled_call_impl is None for module in compiled.modules())


@pytest.mark.slow
@pytest.mark.parametrize("rows", [60, 61])
def test_two_processes_end_with_the_weights_of_one(rows):
    # 61 rows: the last batch has 13, shared 7 and 6.
    alone, together = trained(rows=rows), trained(rows=rows, processes=2)
    assert max(differences(alone, together)) < 1e-6
    assert not together.training


@pytest.mark.slow
def test_two_processes_go_on_from_a_checkpoint(tmp_path):
    whole = trained(processes=2, ema_decay=0.9)
    with pytest.raises(TrainingError, match="stopped by the test"):
        trained(processes=2, ema_decay=0.9, checkpoint_folder=tmp_path, on_epoch=stop_after_the_first)
    again = trained(processes=2, ema_decay=0.9, checkpoint_folder=tmp_path)
    assert max(differences(whole, again)) == 0


@pytest.mark.slow
def test_an_error_in_a_process_is_the_error_of_the_run():
    with pytest.raises(TrainingError, match=r"^expected a finite loss, got nan at step 0 .* longer warm_up$"):
        trained(BrokenLine, processes=2)


def stop_after_the_first(epoch: int, metrics: dict[str, float]) -> None:
    raise TrainingError("stopped by the test")


def test_dvclive_keeps_the_curves_of_a_resumed_run(tmp_path, monkeypatch):
    from models.live import live_log

    # Away from any repository: DVCLive opens the one it is in and leaves its packs open.
    monkeypatch.chdir(tmp_path)

    for first in (0, 2):
        log = live_log(tmp_path)
        for epoch in (first, first + 1):
            log(epoch, {"loss": 1.0 / (1 + epoch)})
    rows = (tmp_path / "plots/metrics/loss.tsv").read_text().splitlines()
    assert [row.split("\t")[0] for row in rows] == ["step", "0", "1", "2", "3"]


def test_the_bare_loop_of_the_benchmark_makes_the_same_steps():
    path = Path("benchmarks/trainer.py")
    spec = spec_from_file_location("trainer_benchmark", path)
    assert spec is not None
    assert spec.loader is not None
    benchmark = module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    bare, ours = PlainLine(), PlainLine()
    ours.load_state_dict(bare.state_dict())
    benchmark.bare_loop(bare, line_batches(), epochs=1, lr=0.05)
    fit(ours, line_batches(), line_batches(), epochs=1, lr=0.05, seed=0, device="cpu", progress=False)
    assert max(differences(bare, ours)) < 1e-7
