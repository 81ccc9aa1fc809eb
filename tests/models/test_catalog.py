"""One contract for every entry of the catalogue."""

from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from typing import Any

import numpy as np
import optuna
import pytest
import torch
from torch import Tensor

from models.catalog import CATALOG, Entry, entry
from models.checkpoint import load_checkpoint, save_checkpoint
from models.errors import CatalogError
from models.layers.numeric import table_shape
from models.task import Batch, Task
from models.tasks.regression import Regression, TargetScale
from models.trainer import fit, seeded


class OneBatch:
    """The same batch for every epoch."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch

    def __len__(self) -> int:
        return 1

    def __iter__(self):
        return iter([self.batch])

    def set_epoch(self, epoch: int) -> None:
        pass


def a_table(chosen: Entry, entries: dict[str, Any]) -> tuple[Task, Batch]:
    """A task on 24 houses with three numbers and two flags."""
    x = torch.randn(24, 5)
    x[:, 3:] = (x[:, 3:] > 0).float()
    y = torch.exp(12 + 0.3 * x @ torch.tensor([1.0, -0.5, 0.2, 0.5, -0.5]))
    network = chosen.network(chosen.config(**table_shape(x), **entries))
    network.calibrate(x)  # type: ignore[operator]
    return Regression(network, TargetScale.of(y), features=5), {"x": x, "y": y}


SAMPLES: dict[type[Task], Callable[[Entry, dict[str, Any]], tuple[Task, Batch]]] = {Regression: a_table}
"""By task: a small instance of an entry, and one batch for it."""


def build(name: str, entries: dict[str, Any] | None = None) -> tuple[Task, Batch]:
    with seeded(0):
        return SAMPLES[CATALOG[name].task](CATALOG[name], entries or {})


def answer(task: Task) -> list[Tensor]:
    served = task.eval().served()
    with torch.no_grad():
        outputs = served.module(**served.inputs)
    return [outputs] if isinstance(outputs, Tensor) else list(outputs)


@pytest.fixture(params=sorted(CATALOG))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_the_config_is_a_frozen_dataclass(name):
    assert is_dataclass(CATALOG[name].config)
    assert CATALOG[name].config.__dataclass_params__.frozen


def test_it_answers_a_row_for_a_row(name):
    task, _ = build(name)
    served = task.served()
    outputs = answer(task)
    assert len(outputs) == len(served.outputs)
    rows = {len(tensor) for tensor in [*served.inputs.values(), *outputs]}
    assert len(rows) == 1
    assert rows.pop() >= 2


def test_every_parameter_gets_a_gradient(name):
    task, batch = build(name)
    task.train()
    # One step first: what starts at zero holds back the gradient of what lies before it.
    optimizers = task.optimizers(0.01)
    for _ in range(2):
        for which, loss in task.losses(batch):
            optimizers[which].zero_grad()
            loss.backward()
            optimizers[which].step()
    still = [key for key, weight in task.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert not still


def test_one_batch_is_learnt_by_heart(name):
    task, batch = build(name, {"dropout": 0.0})
    before = task.evaluate([batch])[task.monitor]
    history = fit(task, OneBatch(batch), [batch], epochs=60, lr=0.01, seed=0, progress=False)
    assert history.best[task.monitor] < 0.1 * before


def test_weights_come_back_from_a_checkpoint(name, tmp_path):
    task, batch = build(name)
    for which, loss in task.losses(batch):
        loss.backward()
        task.optimizers(0.1)[which].step()
    save_checkpoint(task.state_dict(), tmp_path / "weights.pt")
    with seeded(1):
        other, _ = SAMPLES[CATALOG[name].task](CATALOG[name], {})
    other.load_state_dict(load_checkpoint(tmp_path / "weights.pt"))
    for one, two in zip(answer(task), answer(other), strict=True):
        assert torch.equal(one, two)


def test_samples_of_the_search_space_build(name):
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(8):
        trial = study.ask()
        params = CATALOG[name].search_space(trial)
        assert set(params) <= {"network", "training"}
        task, batch = build(name, params["network"])
        assert task.evaluate([batch])[task.monitor] > 0


@pytest.mark.slow
def test_onnx_answers_as_torch_does_at_any_batch(name):
    import onnxruntime

    from models.export.network import network_graph

    task, _ = build(name)
    served = task.eval().served()
    session = onnxruntime.InferenceSession(network_graph(served).SerializeToString())
    assert [output.name for output in session.get_outputs()] == list(served.outputs)
    for rows in (1, 3):
        with seeded(rows):
            inputs = {key: torch.randn(rows, *value.shape[1:]) for key, value in served.inputs.items()}
        with torch.no_grad():
            expected = served.module(**inputs)
        feeds = {key: value.numpy() for key, value in inputs.items()}
        (got, *_) = session.run(None, feeds)
        np.testing.assert_allclose(got, expected.numpy(), rtol=1e-5)


@pytest.mark.parametrize("variant", ["full", "mini"])
@pytest.mark.parametrize("embedding", ["none", "piecewise", "periodic"])
def test_every_form_of_tabm_builds_and_learns(variant, embedding):
    entries = {"variant": variant, "embedding": embedding, "members": 4, "width": 32, "dropout": 0.0}
    task, batch = build("tabm", entries)
    before = task.evaluate([batch])["rmsle"]
    history = fit(task, OneBatch(batch), [batch], epochs=40, lr=0.01, seed=0, progress=False)
    assert history.best["rmsle"] < 0.2 * before


def test_members_of_tabm_start_apart():
    task, batch = build("tabm")
    answers_BK = task.eval().head.network(batch["x"]).squeeze(-1)
    assert answers_BK.std(dim=1).min() > 0


def test_configs_are_plain_data():
    config = CATALOG["tabm"].config(features=3, numbers=(0, 1))
    assert CATALOG["tabm"].config(**asdict(config)) == config


def test_an_unknown_name_lists_those_there_are():
    with pytest.raises(CatalogError, match=r"mlp, tabm.*'resnet'"):
        entry("resnet")
