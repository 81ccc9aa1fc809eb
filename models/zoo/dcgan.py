"""DCGAN: a generator and a discriminator of strided convolutions.

Radford, Metz, Chintala, "Unsupervised Representation Learning with Deep Convolutional Generative Adversarial
Networks", ICLR 2016, https://arxiv.org/abs/1511.06434. As there: no pooling and no hidden linear layers,
batch normalisation save at the picture's side, ReLU up and LeakyReLU 0.2 down, tanh at the end, weights from
N(0, 0.02). Differences: none in the networks; 4x4 kernels as in the authors' code, and as many blocks as the
size asks for.

Legend: B batch, Z latent size, C channels, H height, W width.
"""

from dataclasses import dataclass
from math import log2
from typing import Any

import torch
from optuna.trial import BaseTrial
from torch import Tensor, nn

from models.errors import CatalogError


@dataclass(frozen=True)
class DCGANConfig:
    """Shape of both networks; ``image`` (channels, height, width), a square of 16 to 128, is the data's."""

    image: tuple[int, int, int]
    latent: int = 100
    generator: int = 64
    discriminator: int = 64

    @property
    def halvings(self) -> int:
        """How often the picture is halved until 4x4 is left; raises CatalogError for other sizes."""
        _, height, width = self.image
        if height != width or height < 16 or height & (height - 1):
            raise CatalogError(f"expected a square picture of 16, 32, 64 or 128, got {height} x {width}")
        return int(log2(height)) - 2


class DCGAN(nn.Module):
    """Both networks: ``generator`` z_BZ -> x_BCHW in [-1, 1], ``discriminator`` x_BCHW -> logit_B (real)."""

    def __init__(self, config: DCGANConfig) -> None:
        super().__init__()
        self.config = config
        self.generator, self.discriminator = Generator(config), Discriminator(config)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.normal_(module.weight, 0.0, 0.02)
            elif isinstance(module, nn.BatchNorm2d):
                nn.init.normal_(module.weight, 1.0, 0.02)


class Generator(nn.Module):
    """z_BZ -> x_BCHW in [-1, 1]."""

    def __init__(self, config: DCGANConfig) -> None:
        super().__init__()
        width = config.generator * 2 ** (config.halvings - 1)
        layers: list[nn.Module] = [nn.ConvTranspose2d(config.latent, width, 4, bias=False)]
        for _ in range(config.halvings - 1):
            layers += [nn.BatchNorm2d(width), nn.ReLU()]
            layers.append(nn.ConvTranspose2d(width, width // 2, 4, stride=2, padding=1, bias=False))
            width //= 2
        layers += [nn.BatchNorm2d(width), nn.ReLU()]
        layers.append(nn.ConvTranspose2d(width, config.image[0], 4, stride=2, padding=1, bias=False))
        self.layers = nn.Sequential(*layers, nn.Tanh())

    def forward(self, z_BZ: Tensor) -> Tensor:
        """Return x_BCHW."""
        z_BZ11 = z_BZ[:, :, None, None].contiguous(memory_format=torch.channels_last)
        x_BCHW: Tensor = self.layers(z_BZ11)
        return x_BCHW


class Discriminator(nn.Module):
    """x_BCHW -> logit_B."""

    def __init__(self, config: DCGANConfig) -> None:
        super().__init__()
        width = config.discriminator
        layers: list[nn.Module] = [nn.Conv2d(config.image[0], width, 4, stride=2, padding=1, bias=False)]
        for _ in range(config.halvings - 1):
            layers += [nn.LeakyReLU(0.2), nn.Conv2d(width, 2 * width, 4, stride=2, padding=1, bias=False)]
            layers.append(nn.BatchNorm2d(2 * width))
            width *= 2
        self.layers = nn.Sequential(*layers, nn.LeakyReLU(0.2), nn.Conv2d(width, 1, 4, bias=False))

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return logit_B."""
        logit_B111: Tensor = self.layers(x_BCHW.contiguous(memory_format=torch.channels_last))
        return logit_B111.flatten()


STARTS: dict[str, dict[str, Any]] = {"default": {"width": 64, "lr": 2e-4, "batch_size": 64}}
"""Parameters of the search space that a study may try first, by name."""


def search_space(trial: BaseTrial) -> dict[str, dict[str, Any]]:
    """Suggest entries of the config under ``network``, and of the training under ``training``."""
    width = trial.suggest_categorical("width", [16, 32, 64])
    return {
        "network": {"generator": width, "discriminator": width},
        "training": {
            "lr": trial.suggest_float("lr", 5e-5, 5e-4, log=True),
            "batch_size": trial.suggest_categorical("batch_size", [32, 64, 128]),
        },
    }
