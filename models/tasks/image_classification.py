"""Classification of pictures: scaling, augmentation, cross-entropy, accuracy."""

from collections.abc import Iterable, Iterator
from typing import Literal

import torch
from torch import Tensor, nn
from torch.optim import SGD, AdamW, Optimizer

from models.classes import class_metrics
from models.data.augment import ImageAugment
from models.task import Batch, Served, Task, decay_groups


class ImageHead(nn.Module):
    """A network of pictures as people see them: image_BCHW uint8 -> probabilities_BK.

    Mean and deviation by channel, of values in [0, 1], lie in buffers and travel into the graph. With
    ``mirrored`` the answer is the mean of those for a picture and its mirror image, at twice the work.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, network: nn.Module, channels: int, *, mirrored: bool = False) -> None:
        super().__init__()
        self.network, self.mirrored = network, mirrored
        self.register_buffer("mean", torch.zeros(1, channels, 1, 1))
        self.register_buffer("deviation", torch.ones(1, channels, 1, 1))

    def calibrate(self, image_NCHW: Tensor) -> None:
        """Take the statistics from training pictures, uint8."""
        # A thousand at a time: as floats all of them would take many times their memory.
        total_C, square_C = torch.zeros(2, image_NCHW.shape[1], dtype=torch.double)
        for part in torch.split(image_NCHW, 1000):
            x = part.double() / 255
            total_C += x.sum((0, 2, 3))
            square_C += x.square().sum((0, 2, 3))
        count = image_NCHW.numel() / image_NCHW.shape[1]
        mean_C, square_C = total_C / count, square_C / count
        deviation_C = (square_C - mean_C.square()).clamp_min(1e-8).sqrt()
        self.mean.copy_(mean_C.view(1, -1, 1, 1))
        self.deviation.copy_(deviation_C.view(1, -1, 1, 1))

    def scale(self, image_BCHW: Tensor) -> Tensor:
        """Return standardised float pictures."""
        return (image_BCHW.float() / 255 - self.mean) / self.deviation

    def forward(self, image: Tensor) -> Tensor:
        """Return probabilities_BK."""
        x_BCHW = self.scale(image)
        probabilities_BK = torch.softmax(self.network(x_BCHW).float(), dim=1)
        if not self.mirrored:
            return probabilities_BK
        return (probabilities_BK + torch.softmax(self.network(x_BCHW.flip(3)).float(), dim=1)) / 2


class ImageClassification(Task):
    """Cross-entropy of K classes; batches hold ``image`` uint8 [B, C, H, W] and ``label`` int64 [B].

    ``network`` maps x_BCHW to logits_BK. ``flip``, ``degrees`` and ``crop`` are ``ImageAugment``'s; half of a
    batch is turned. ``mirrored`` is ``ImageHead``'s. Weight decay is ``decay_groups``'s.
    """

    monitor = "accuracy"
    monitor_mode = "max"

    def __init__(
        self,
        network: nn.Module,
        *,
        image: tuple[int, int, int],
        classes: int,
        optimizer: Literal["sgd", "adamw"] = "sgd",
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        label_smoothing: float = 0.0,
        flip: bool = False,
        degrees: float = 0.0,
        crop: int = 0,
        mirrored: bool = False,
    ) -> None:
        super().__init__()
        self.head = ImageHead(network, image[0], mirrored=mirrored)
        self.shifted = ImageAugment(flip=flip, crop=crop)
        self.turned = ImageAugment(flip=flip, degrees=degrees, crop=crop)
        self.image, self.classes = image, classes
        self.optimizer, self.momentum, self.weight_decay = optimizer, momentum, weight_decay
        self.label_smoothing = label_smoothing

    def optimizers(self, lr: float) -> dict[str, Optimizer]:
        """One SGD, with Nesterov's momentum where there is any, or one AdamW."""
        groups = decay_groups(self, self.weight_decay)
        if self.optimizer == "adamw":
            return {"network": AdamW(groups, lr=lr, fused=True)}
        return {"network": SGD(groups, lr=lr, momentum=self.momentum, nesterov=self.momentum > 0)}

    def losses(self, batch: Batch) -> Iterator[tuple[str, Tensor]]:
        """Yield the mean cross-entropy of changed pictures."""
        logits_BK = self.head.network(self._changed(self.head.scale(batch["image"])))
        smoothing = self.label_smoothing
        yield (
            "network",
            nn.functional.cross_entropy(logits_BK.float(), batch["label"], label_smoothing=smoothing),
        )

    def _changed(self, x_BCHW: Tensor) -> Tensor:
        """Change pictures at random; a turn blurs, and what is served is sharp, so half are only shifted."""
        half = len(x_BCHW) // 2
        if not half or not self.turned.degrees:
            shifted_BCHW: Tensor = self.shifted(x_BCHW)
            return shifted_BCHW
        return torch.cat([self.turned(x_BCHW[:half]), self.shifted(x_BCHW[half:])])

    def evaluate(self, batches: Iterable[Batch]) -> dict[str, float]:
        """Accuracy, and the mean cross-entropy as "loss"."""
        return class_metrics(((self.head(batch["image"]), batch["label"]) for batch in batches), self.classes)

    def served(self) -> Served:
        """Pictures -> probabilities; two black ones as the example."""
        return Served(
            self.head, {"image": torch.zeros(2, *self.image, dtype=torch.uint8)}, ("probabilities",)
        )
