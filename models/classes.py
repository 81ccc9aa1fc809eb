"""What classifiers of pictures and of texts share: how good their answers are."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn


def class_metrics(parts: Iterable[tuple[Tensor, Tensor]], classes: int) -> dict[str, float]:
    """Accuracy, and the mean cross-entropy as "loss", over all rows of (probabilities_BK, label_B)."""
    from torchmetrics.functional.classification import multiclass_accuracy

    probabilities, labels = zip(*parts, strict=True)
    probabilities_NK, label_N = torch.cat(probabilities), torch.cat(labels)
    loss = nn.functional.nll_loss(probabilities_NK.clamp_min(1e-12).log(), label_N)
    accuracy = multiclass_accuracy(probabilities_NK, label_N, classes, average="micro")
    return {"accuracy": accuracy.item(), "loss": loss.item()}
