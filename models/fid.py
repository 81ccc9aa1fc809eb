"""Frechet distance between pictures by features of a small network of our own.

Heusel et al., "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium", NeurIPS
2017, https://arxiv.org/abs/1706.08500. Their features are Inception's; its weights cannot be had without a
download, so these come from a small network that learnt, on the real pictures alone, by how many quarter
turns one is rotated (Gidaris et al. 2018, https://arxiv.org/abs/1803.07728). Figures compare with each other
on the same pictures, never with published FIDs.
"""

import torch
from torch import Tensor, nn

from models.seeds import seeded

FEATURES = 64


class TurnNetwork(nn.Module):
    """x_BCHW in [-1, 1] -> features_BF, and from these the logits of four quarter turns."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for width_in, width_out in ((channels, 16), (16, 32), (32, 64), (64, FEATURES)):
            layers += [
                nn.Conv2d(width_in, width_out, 3, stride=2, padding=1),
                nn.BatchNorm2d(width_out),
                nn.ReLU(),
            ]
        self.layers = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.turns = nn.Linear(FEATURES, 4)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return features_BF."""
        features_BF: Tensor = self.layers(x_BCHW)
        return features_BF


def learn_features(image_NCHW: Tensor, *, steps: int, seed: int, batch_size: int = 64) -> TurnNetwork:
    """Train a TurnNetwork on uint8 pictures for ``steps`` updates; same arguments, same network."""
    with seeded(seed):
        network = TurnNetwork(image_NCHW.shape[1])
        optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-2)
        for _ in range(steps):
            x_BCHW = to_float(image_NCHW[torch.randint(0, len(image_NCHW), (batch_size,))])
            turn_B = torch.randint(0, 4, (len(x_BCHW),))
            turned = torch.stack(
                [torch.rot90(x, int(turn), (1, 2)) for x, turn in zip(x_BCHW, turn_B, strict=True)]
            )
            loss = nn.functional.cross_entropy(network.turns(network(turned)), turn_B)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    return network.eval().requires_grad_(False)


def to_float(image_BCHW: Tensor) -> Tensor:
    """Return uint8 pictures as floats in [-1, 1], the generator's range."""
    return image_BCHW.float() / 127.5 - 1


def frechet_distance(one_NF: Tensor, two_NF: Tensor) -> float:
    """Return |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)) of two sets of features, at least two rows each.

    The trace of the root is the sum of the roots of the eigenvalues of C1^(1/2) C2 C1^(1/2), which is
    symmetric: no root of a matrix that is not is needed.
    """
    one, two = one_NF.double(), two_NF.double()
    cov_one, cov_two = torch.cov(one.T), torch.cov(two.T)
    values, vectors = torch.linalg.eigh(cov_one)
    root = vectors @ torch.diag(values.clamp_min(0).sqrt()) @ vectors.T
    trace = torch.linalg.eigvalsh(root @ cov_two @ root).clamp_min(0).sqrt().sum()
    distance = (one.mean(0) - two.mean(0)).square().sum() + cov_one.trace() + cov_two.trace() - 2 * trace
    return max(float(distance), 0.0)


def diversity(features_NF: Tensor) -> float:
    """Return the mean distance between two of the rows, picked at random once for all."""
    generator = torch.Generator().manual_seed(0)
    order = torch.randperm(len(features_NF), generator=generator)
    return float((features_NF[order] - features_NF[order.roll(1)]).norm(dim=1).mean())
