"""One contract for every entry of the catalogue."""

from dataclasses import asdict, is_dataclass
from functools import cache
from typing import Any

import optuna
import pytest
import torch
from torch import Tensor

from models.catalog import CATALOG, entry
from models.data.data import Data, Part, head
from models.data.load import load_data
from models.errors import CatalogError
from models.recipe import Learner, build_config, load_learner, save_learner
from models.recipes.catalog import recipe_of
from models.seeds import seeded
from models.task import Batch, Task
from models.trainer import fit
from serving.bundle import Bundle
from serving.bundle_files import write_bundle
from serving.model import load_model


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


SMALL: dict[str, dict[str, dict[str, Any]]] = {
    "cifar_cnn": {"network": {"blocks": ((4,), (8,)), "hidden": (16,)}},
    "cell_cnn": {"network": {"channels": 8}},
    "dcgan": {
        "network": {"generator": 4, "discriminator": 4},
        "options": {"judge_steps": 2, "judged": 8},
    },
    "lstm": {
        "network": {"embedding": 8, "hidden": 8, "dropout": 0.0},
        "options": {"tokens": 300, "max_tokens": 12},
    },
    "transformer": {
        "network": {"width": 16, "heads": 2, "layers": 1, "hidden": 16, "dropout": 0.0},
        "options": {"tokens": 120, "lowercase": True, "max_tokens": 30},
    },
}
"""By network: what makes it small; the others are small as they are."""

ROWS = {"cifar_cnn": 12, "cell_cnn": 12, "dcgan": 8, "transformer": 12}
CONTESTS = ("dcgan",)
"""Networks whose loss has no least value to reach: two of them learn against each other."""


@cache
def rows_of(data: str) -> Data:
    return load_data(data, progress=False)


def a_learner(name: str, entries: dict[str, Any] | None = None) -> tuple[Learner, Part]:
    """A small, untrained instance and the few rows that it is to learn."""
    chosen, small = CATALOG[name], SMALL.get(name, {})
    whole = rows_of(chosen.data)
    few = head(whole.train, ROWS.get(name, 24))
    data = Data(few, few, few, whole.labels, whole.origin)
    network = {**small.get("network", {}), **(entries or {})}
    if "dropout" in network and not hasattr(chosen.config, "dropout"):
        del network["dropout"]
    recipe = recipe_of(chosen)
    learner = recipe.learner(name, chosen, data, network=network, options=small.get("options", {}), seed=0)
    return learner, few


def build(name: str, entries: dict[str, Any] | None = None) -> tuple[Task, Batch]:
    learner, few = a_learner(name, entries)
    (batch,) = recipe_of(CATALOG[name]).batches(learner, few, batch_size=64)
    return learner.task, batch


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
    moved: set[int] = set()
    for _ in range(2):
        for which, loss in task.losses(batch):
            optimizers[which].zero_grad()
            loss.backward()
            moved |= {
                id(weight) for weight in task.parameters() if weight.grad is not None and weight.grad.any()
            }
            optimizers[which].step()
    assert not [key for key, weight in task.named_parameters() if id(weight) not in moved]


def test_one_batch_is_learnt_by_heart(name):
    if name in CONTESTS:
        pytest.skip("a contest of two networks")
    task, batch = build(name, {"dropout": 0.0} if hasattr(CATALOG[name].config, "dropout") else None)
    lr = RATES.get(name, 0.01)
    history = fit(task, OneBatch(batch), [batch], epochs=80, lr=lr, seed=0, progress=False)
    before, after = (history.epochs[at]["loss_network"] for at in (0, -1))
    assert after < 0.2 * before or after < 0.05 + LEAST.get(name, 0.0)


RATES = {"mnist_mlp": 0.2, "mlp": 0.01, "cell_cnn": 0.2}
LEAST = {"transformer": 1.2}
"""Smoothed labels have a least loss of their own, not nought."""


def test_a_learner_comes_back_from_its_files(name, tmp_path):
    learner, few = a_learner(name)
    recipe = recipe_of(CATALOG[name])
    save_learner(learner, tmp_path)
    with seeded(1):
        other = load_learner(tmp_path, CATALOG[name], recipe)
    for one, two in zip(answer(learner.task), answer(other.task), strict=True):
        assert torch.equal(one, two)
    (first, second) = (recipe.batches(each, few, batch_size=64) for each in (learner, other))
    with torch.no_grad():
        assert learner.task.eval().evaluate(first) == other.task.evaluate(second)


def test_every_start_lies_in_the_search_space(name):
    assert "default" in CATALOG[name].starts
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for params in CATALOG[name].starts.values():
        study.enqueue_trial(dict(params))
        trial = study.ask()
        CATALOG[name].search_space(trial)
        assert trial.params == params


def test_samples_of_the_search_space_build(name):
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(8):
        trial = study.ask()
        params = CATALOG[name].search_space(trial)
        assert set(params) <= {"network", "training"}
        chosen = CATALOG[name]
        fields = {"features": 5, "numbers": (0,), "image": (3, 32, 32), "classes": 2, "vocabulary": 9}
        wanted = {key: value for key, value in fields.items() if key in chosen.config.__dataclass_fields__}
        assert chosen.network(build_config(chosen, {**wanted, **params["network"]})) is not None


@pytest.mark.slow
def test_its_graphs_answer_as_torch_does_and_make_a_bundle(name, tmp_path):
    learner, few = a_learner(name)
    learner.task.eval()
    made = recipe_of(CATALOG[name]).export(learner, few, tolerance=1e-4)
    rows = {case["rows"] for case in made.parity["cases"]}
    assert {1, 3} <= rows
    about = Bundle(
        name=name, version=1, task=made.task, inputs=made.inputs, outputs=made.outputs,
        form=made.form, example=made.example,
    )  # fmt: skip
    folder = tmp_path / name / "1"
    write_bundle(folder, made.graph.SerializeToString(), about, {**made.extras, "parity.json": made.parity})
    assert load_model(folder).bundle == about


@pytest.mark.parametrize("variant", ["full", "mini"])
@pytest.mark.parametrize("embedding", ["none", "piecewise", "periodic"])
def test_every_form_of_tabm_builds_and_learns(variant, embedding):
    entries = {"variant": variant, "embedding": embedding, "members": 4, "width": 32, "dropout": 0.0}
    task, batch = build("tabm", entries)
    before = task.evaluate([batch])["rmsle"]
    history = fit(task, OneBatch(batch), [batch], epochs=40, lr=0.01, seed=0, progress=False)
    assert history.best["rmsle"] < 0.3 * before


def test_members_of_tabm_start_apart():
    task, batch = build("tabm")
    answers_BK = task.eval().head.network(batch["x"]).squeeze(-1)
    assert answers_BK.std(dim=1).min() > 0


def test_configs_are_plain_data():
    config = CATALOG["tabm"].config(features=3, numbers=(0, 1))
    assert CATALOG["tabm"].config(**asdict(config)) == config


def test_an_unknown_name_lists_those_there_are():
    with pytest.raises(CatalogError, match=r"mlp, .*tabm.*'resnet'"):
        entry("resnet")
