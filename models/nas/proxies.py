"""Zero-cost proxies: how promising an untrained network looks on one batch; more is better.

Legend: B batch, N all values of an input or of all ReLUs.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


def synflow(network: nn.Module, x: Tensor) -> float:
    """Return the log of the sum of weight x gradient, all weights made positive, for an input of ones.

    Tanaka et al., "Pruning neural networks without any data by iteratively conserving synaptic flow", NeurIPS
    2020, https://arxiv.org/abs/2006.05467; as a proxy, Abdelfattah et al., ICLR 2021,
    https://arxiv.org/abs/2101.08134. Untrained batch normalisation in eval mode passes values as they are.
    -inf for a network whose answer does not depend on its input.
    """
    with _alone(network):
        network.double().eval()
        with torch.no_grad():
            for weight in network.parameters():
                weight.abs_()
        ones = torch.ones_like(x[:1], dtype=torch.double)
        network(ones).sum().backward()
        flow = sum(
            float((weight.detach() * weight.grad).sum())
            for weight in network.parameters()
            if weight.grad is not None and weight.ndim > 1
        )
    return math.log(flow) if flow > 0 else -math.inf


def naswot(network: nn.Module, x: Tensor) -> float:
    """Return the log-determinant of how alike rows are in which ReLUs they switch on.

    Mellor, Turner, Storkey, Crowley, "Neural Architecture Search without Training", ICML 2021,
    https://arxiv.org/abs/2006.04647. -inf where two rows are told apart by no ReLU.
    """
    codes: list[Tensor] = []
    relus = [module for module in network.modules() if isinstance(module, nn.ReLU)]
    hooks = [
        relu.register_forward_hook(lambda _module, _inputs, output: codes.append(output.flatten(1) > 0))
        for relu in relus
    ]
    try:
        with _alone(network), torch.no_grad():
            network.train()(x)
    finally:
        for hook in hooks:
            hook.remove()
    if not codes:
        return -math.inf
    code_BN = torch.cat(codes, dim=1).double()
    alike_BB = code_BN @ code_BN.T + (1 - code_BN) @ (1 - code_BN).T
    sign, value = torch.linalg.slogdet(alike_BB)
    return float(value) if sign > 0 else -math.inf


def jacobian_covariance(network: nn.Module, x: Tensor) -> float:
    """Return how little the rows' gradients by input are correlated, by their correlations' eigenvalues.

    Mellor et al., first version of "Neural Architecture Search without Training",
    https://arxiv.org/abs/2006.04647v1; as a proxy, Abdelfattah et al. 2021. -inf for gradients that are
    constant.
    """
    with _alone(network):
        inputs = x.detach().clone().requires_grad_()
        network.train()(inputs).sum().backward()
        gradient = inputs.grad
    if gradient is None:
        return -math.inf
    jacobian_BN = gradient.flatten(1).double()
    if float(jacobian_BN.std(dim=1).min()) == 0:
        return -math.inf
    values_B = torch.linalg.eigvalsh(torch.corrcoef(jacobian_BN))
    small = 1e-5
    values_B = values_B.clamp_min(0) + small
    return -float((values_B.log() + 1 / values_B).sum())


@contextmanager
def _alone(network: nn.Module) -> Iterator[None]:
    """Give the network its weights, type, mode and missing gradients back."""
    kept = {name: value.clone() for name, value in network.state_dict().items()}
    training = network.training
    network.zero_grad()
    try:
        yield
    finally:
        network.float()
        network.load_state_dict(kept)
        network.zero_grad()
        network.train(training)


PROXIES: dict[str, Callable[[nn.Module, Tensor], float]] = {
    "synflow": synflow,
    "naswot": naswot,
    "jacobian_covariance": jacobian_covariance,
}
