"""Zero-cost proxies on networks small enough for pencil and paper; they leave a network as it was."""

import math

import pytest
import torch
from torch import nn

from models.nas.proxies import PROXIES, jacobian_covariance, naswot, synflow


def linear(*weights: list[list[float]], relu: bool = True) -> nn.Sequential:
    layers: list[nn.Module] = []
    for at, rows in enumerate(weights):
        layer = nn.Linear(len(rows[0]), len(rows), bias=False)
        layer.weight.data = torch.tensor(rows)
        layers += [nn.ReLU(), layer] if at and relu else [layer]
    return nn.Sequential(*layers)


def test_synflow_is_the_sum_over_paths_once_a_layer():
    # R = |w2| |w1| 1: (2 + 3) through one path of 4, (1 + 1) through one of 5; each layer's sum is R.
    network = linear([[2.0, -3.0], [1.0, 1.0]], [[-4.0, 5.0]])
    assert synflow(network, torch.zeros(3, 2)) == pytest.approx(math.log(2 * (5 * 4 + 2 * 5)))


def test_synflow_passes_fresh_batch_normalisation():
    network = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False), nn.BatchNorm2d(1))
    network[0].weight.data.fill_(-0.5)
    assert synflow(network, torch.zeros(1, 1, 2, 2)) == pytest.approx(math.log(4 * 0.5), abs=1e-4)


def test_naswot_is_the_log_determinant_of_agreeing_relus():
    network = nn.Sequential(nn.ReLU())
    x = torch.tensor([[1.0, -1.0, 1.0], [1.0, 1.0, -1.0]])
    # Of three ReLUs the rows agree on one: det [[3, 1], [1, 3]].
    assert naswot(network, x) == pytest.approx(math.log(8))


def test_naswot_of_rows_that_are_not_told_apart_is_least():
    assert naswot(nn.Sequential(nn.ReLU()), torch.ones(2, 3)) == -math.inf
    assert naswot(nn.Linear(2, 2), torch.ones(2, 2)) == -math.inf


def test_jacobian_covariance_is_the_formula_on_known_correlations():
    # Gradients of the rows are (1, 0, 0) and (0, 1, 0): correlation -1/2, eigenvalues 1/2 and 3/2.
    network = nn.Sequential(nn.ReLU())
    x = torch.tensor([[1.0, -1.0, -1.0], [-1.0, 1.0, -1.0]])
    expected = -sum(math.log(value + 1e-5) + 1 / (value + 1e-5) for value in (0.5, 1.5))
    assert jacobian_covariance(network, x) == pytest.approx(expected, rel=1e-6)


def test_jacobian_covariance_of_constant_gradients_is_least():
    assert jacobian_covariance(linear([[1.0, 1.0]]), torch.randn(3, 2)) == -math.inf


@pytest.mark.parametrize("name", sorted(PROXIES))
def test_a_proxy_leaves_the_network_as_it_was(name):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 2))
    before = {key: value.clone() for key, value in network.state_dict().items()}
    PROXIES[name](network, torch.randn(4, 1, 4, 4))
    for key, value in network.state_dict().items():
        assert value.dtype == before[key].dtype
        assert torch.equal(value, before[key])
    assert all(weight.grad is None for weight in network.parameters())
    assert network.training
