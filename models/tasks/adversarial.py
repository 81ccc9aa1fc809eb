"""Two networks against each other: one makes pictures, the other tells them from real ones."""

from collections.abc import Iterable, Iterator
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, softplus
from torch.optim import Adam, Optimizer

from models.errors import TrainingError
from models.fid import TurnNetwork, diversity, frechet_distance, to_float
from models.task import Batch, Served, Task
from models.zoo.dcgan import DCGAN

COLLAPSED = 0.3
"""Share of the real pictures' diversity below which a generator makes one picture over and over."""


class Adversarial(Task):
    """Binary cross-entropy by turns, the generator's without saturation (Goodfellow et al. 2014).

    Batches hold ``image`` uint8 [B, C, H, W]. ``judge`` gives the features by which pictures are compared; it
    is no part of what is trained. ``stop_on_collapse`` ends a run whose generator has collapsed.
    """

    monitor = "fid"

    def __init__(
        self,
        network: DCGAN,
        judge: TurnNetwork,
        *,
        beta1: float = 0.5,
        judged: int = 512,
        stop_on_collapse: bool = False,
    ) -> None:
        super().__init__()
        self.network = network
        # In a tuple: neither its weights nor its state are this task's.
        self._judge = (judge,)
        self.beta1, self.judged, self.stop_on_collapse = beta1, judged, stop_on_collapse

    def optimizers(self, lr: float) -> dict[str, Optimizer]:
        """An Adam each."""
        betas = (self.beta1, 0.999)
        return {
            "discriminator": Adam(self.network.discriminator.parameters(), lr=lr, betas=betas, fused=True),
            "generator": Adam(self.network.generator.parameters(), lr=lr, betas=betas, fused=True),
        }

    def losses(self, batch: Batch) -> Iterator[tuple[str, Tensor]]:
        """Yield the discriminator's loss on real and made pictures, then the generator's."""
        discriminator = self.network.discriminator
        real_BCHW = to_float(batch["image"])
        made_BCHW = self.network.generator(self.noise(len(real_BCHW), real_BCHW.device))
        real_B, made_B = discriminator(real_BCHW).float(), discriminator(made_BCHW.detach()).float()
        yield "discriminator", softplus(-real_B).mean() + softplus(made_B).mean()
        fooled_B = discriminator(made_BCHW).float()
        yield "generator", binary_cross_entropy_with_logits(fooled_B, torch.ones_like(fooled_B))

    def evaluate(self, batches: Iterable[Batch]) -> dict[str, float]:
        """Frechet distance to the real pictures, and of one half of these to the other as "fid_floor".

        "diversity" is that of the generator's pictures as a share of the real ones'; "collapsed" is 1 below
        COLLAPSED. The noise is the same each time. Raises TrainingError on collapse where that is asked for.
        """
        real_NF = torch.cat([self.features(to_float(batch["image"])) for batch in batches])
        made_NF = torch.cat([self.features(part) for part in self.pictures(self.judged)])
        share = diversity(made_NF) / max(diversity(real_NF), 1e-12)
        if share < COLLAPSED and self.stop_on_collapse:
            raise TrainingError(
                f"expected differing pictures, the generator's do so {share:.2f} times as much as real ones; "
                "try a lower lr, a larger batch_size or another seed"
            )
        return {
            "fid": frechet_distance(real_NF, made_NF),
            "fid_floor": frechet_distance(real_NF[::2], real_NF[1::2]),
            "diversity": share,
            "collapsed": float(share < COLLAPSED),
        }

    def noise(self, rows: int, device: torch.device | str = "cpu") -> Tensor:
        """Return z_BZ from torch's global generator."""
        return torch.randn(rows, self.network.config.latent, device=device)

    def pictures(self, rows: int, seed: int = 0) -> Iterator[Tensor]:
        """Yield x_BCHW in [-1, 1] from noise that ``seed`` decides, a hundred at a time."""
        device = next(self.parameters()).device
        generator = torch.Generator().manual_seed(seed)
        z_NZ = torch.randn(rows, self.network.config.latent, generator=generator)
        for z_BZ in torch.split(z_NZ, 100):
            yield self.network.generator(z_BZ.to(device)).float()

    def features(self, x_BCHW: Tensor) -> Tensor:
        """Return the judge's features_BF."""
        return cast("Tensor", self.judge.to(x_BCHW.device)(x_BCHW)).float().cpu()

    @property
    def judge(self) -> TurnNetwork:
        """The network whose features compare pictures."""
        return self._judge[0]

    def served(self) -> Served:
        """Noise -> picture."""
        z = torch.zeros(2, self.network.config.latent)
        return Served(Painter(self.network.generator), {"z": z}, ("image",))


class Painter(nn.Module):
    """The generator as people see it: z_BZ -> image_BCHW uint8."""

    def __init__(self, generator: nn.Module) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, z: Tensor) -> Tensor:
        """Return image_BCHW."""
        image: Tensor = ((self.generator(z) + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
        return image
