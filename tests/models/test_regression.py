"""Regression on a log scale."""

import math

import pytest
import torch
from torch import nn

from models.errors import TrainingError
from models.tasks.regression import Regression, TargetScale


class Fixed(nn.Module):
    """A network of K members whose answers are its weights, whatever it is asked."""

    def __init__(self, *answers: float) -> None:
        super().__init__()
        self.answers = nn.Parameter(torch.tensor(answers))

    def forward(self, x):
        return self.answers.expand(len(x), -1)[..., None]


PRICES = torch.tensor([100_000.0, 150_000.0, 300_000.0, 80_000.0])


def test_the_scale_is_of_logs():
    scale = TargetScale.of(PRICES)
    logs = torch.log1p(PRICES.double())
    assert scale.mean == pytest.approx(logs.mean().item())
    assert scale.deviation == pytest.approx(logs.std().item())


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([1.0, math.nan], "no logarithm"),
        ([1.0, -2.0], "no logarithm"),
        ([5.0, 5.0], "differ"),
        ([5.0], "differ"),
    ],
)
def test_targets_that_cannot_be_scaled_are_refused(y, message):
    with pytest.raises(TrainingError, match=message):
        TargetScale.of(torch.tensor(y))


def test_the_answer_is_the_members_mean_on_the_log_scale():
    scale = TargetScale(mean=10.0, deviation=0.5, low=-5.0, high=5.0)
    head = Regression(Fixed(1.0, -0.5), scale, features=2).head
    assert head(torch.zeros(3, 2)).shape == (3, 1)
    assert head(torch.zeros(1, 2)).item() == pytest.approx(math.expm1(10 + 0.25 * 0.5), rel=1e-6)


@pytest.mark.parametrize("answer", [1e9, -1e9])
def test_the_answer_stays_near_the_training_targets(answer):
    scale = TargetScale.of(PRICES)
    price = Regression(Fixed(answer), scale, features=2).head(torch.zeros(1, 2)).item()
    assert PRICES.min() / 2 < price < PRICES.max() * 2


def test_the_loss_is_each_members_own():
    scale = TargetScale(mean=math.log(2), deviation=1.0, low=-5.0, high=5.0)
    task = Regression(Fixed(1.0, -1.0), scale, features=2)
    ((name, loss),) = task.losses({"x": torch.zeros(1, 2), "y": torch.ones(1)})
    assert name == "network"
    assert loss.item() == pytest.approx(1.0)  # the members' mean would be right: loss 0


def test_metrics_are_in_the_targets_terms():
    scale = TargetScale(mean=math.log1p(100), deviation=1.0, low=-5.0, high=5.0)
    task = Regression(Fixed(0.0), scale, features=2)
    batches = [{"x": torch.zeros(1, 2), "y": torch.tensor([y])} for y in (100.0, 200.0)]
    metrics = task.evaluate(batches)
    assert metrics["rmsle"] == pytest.approx(math.log(201 / 101) / math.sqrt(2), rel=1e-5)
    assert metrics["mae"] == pytest.approx(50.0, rel=1e-4)


def test_weight_decay_spares_biases():
    task = Regression(nn.Linear(3, 1), TargetScale(0.0, 1.0, -5.0, 5.0), features=3, weight_decay=0.1)
    decayed, spared = task.optimizers(0.01)["network"].param_groups
    assert (decayed["weight_decay"], spared["weight_decay"]) == (0.1, 0.0)
    assert [tuple(weight.shape) for weight in spared["params"]] == [(1,)]
