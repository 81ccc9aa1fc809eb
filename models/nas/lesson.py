"""What architectures are judged on: small sets of data and the training that all of them get."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from torch import Tensor

from models.data.data import Data, Origin, Part, length
from models.errors import DataError


@dataclass(frozen=True)
class Lesson:
    """Data and training of one search: ``validation`` is what a method sees, ``test`` what it is judged by.

    ``network`` are entries of the network's config beside the architecture's, ``options`` the task's
    arguments, ``training`` those of ``models.trainer.fit``. A step is one row, forwards and back.
    """

    data: Data
    epochs: int
    batch_size: int
    network: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Training rows: the steps of an epoch."""
        return length(self.data.train)

    @property
    def full(self) -> int:
        """Steps of a full training, with one look at the validation rows."""
        return self.cost(self.epochs)

    def cost(self, epochs: int) -> int:
        """Steps of so many epochs and one look at the validation rows, a third of a step each."""
        return epochs * self.rows + length(self.data.validation) // 3

    def about(self, space: str) -> dict[str, Any]:
        """Return the terms on which architectures of ``space`` are scored; scores of other terms differ."""
        origin = self.data.origin
        return {
            "space": space, "data": origin.detail, "rows": dict(origin.rows), "digest": _digest(self.data),
            "epochs": self.epochs, "batch_size": self.batch_size, "network": dict(self.network),
            "options": dict(self.options), "training": dict(self.training),
        }  # fmt: skip


def _digest(data: Data) -> str:
    total = hashlib.sha256()
    for part in (data.train, data.validation, data.test):
        for _, column in sorted(part.items()):
            assert isinstance(column, Tensor)
            total.update(column.contiguous().numpy().tobytes())
    return total.hexdigest()[:16]


def moved_digits(
    *, train: int = 2048, validation: int = 2000, test: int = 4000, size: int = 12, noise: float = 0.1
) -> Data:
    """scikit-learn's 1,797 digits of 8x8 at random places of a noisy, shaded ground; nothing is fetched.

    Rows of one split are made from digits that no other split has.
    """
    from sklearn.datasets import load_digits

    found = load_digits()
    digits_N88 = torch.tensor(found.images, dtype=torch.float32) / 16
    labels_N = torch.tensor(found.target, dtype=torch.int64)
    generator = torch.Generator().manual_seed(0)
    shares = torch.tensor([train, validation, test], dtype=torch.double).sqrt()
    counts = (shares / shares.sum() * len(labels_N)).floor().long().tolist()
    mixed = torch.randperm(len(labels_N), generator=generator)
    parts = []
    for rows, own in zip((train, validation, test), torch.split(mixed[: sum(counts)], counts), strict=True):
        chosen = own[torch.randint(0, len(own), (rows,), generator=generator)]
        image = _placed(digits_N88[chosen], size, noise, generator)
        parts.append({"image": image, "label": labels_N[chosen]})
    words = f"scikit-learn's digits of 8x8 at random places of {size}x{size} with noise"
    rows_by_split = {"train": train, "validation": validation, "test": test}
    origin = Origin("moved digits", "embedded", words, rows_by_split, "")
    return Data(parts[0], parts[1], parts[2], tuple("0123456789"), origin)


def _placed(digits_B88: Tensor, size: int, noise: float, generator: torch.Generator) -> Tensor:
    """uint8 pictures [B, 1, size, size]: the digit lightens a slanted ground."""
    rows, height, width = digits_B88.shape
    slope_2B = torch.rand(2, rows, 1, 1, generator=generator) - 0.5
    ramp = torch.linspace(-0.5, 0.5, size)
    image = 0.4 + 0.5 * (slope_2B[0] * ramp + slope_2B[1] * ramp[:, None])
    places = torch.randint(0, size - height + 1, (rows, 2), generator=generator).tolist()
    for at, (top, left) in enumerate(places):
        image[at, top : top + height, left : left + width] += 0.35 * digits_B88[at]
    image += noise * torch.randn(rows, size, size, generator=generator)
    return (image.clamp(0, 1) * 255).round().to(torch.uint8)[:, None]


def small_pictures(
    data: Data, *, train: int = 2048, validation: int = 2000, test: int = 4000, size: int = 16
) -> Data:
    """The first rows of a set of pictures, made smaller by averages of squares; raises DataError if too few.

    Validation rows come after the training rows of the same split.
    """
    wanted = {"train": (data.train, 0, train), "validation": (data.train, train, validation)}
    wanted["test"] = (data.test, 0, test)
    parts = {split: _shrunk(*each, size) for split, each in wanted.items()}
    origin = Origin(
        data.origin.name, data.origin.source, f"{data.origin.detail}, at {size}x{size}",
        {split: length(part) for split, part in parts.items()}, data.origin.digest,
    )  # fmt: skip
    return Data(parts["train"], parts["validation"], parts["test"], data.labels, origin)


def _shrunk(part: Part, first: int, rows: int, size: int) -> Part:
    image, label = cast("Tensor", part["image"]), cast("Tensor", part["label"])
    mixed = torch.randperm(len(image), generator=torch.Generator().manual_seed(0))[first : first + rows]
    factor = image.shape[-1] // size
    if len(mixed) < rows or factor < 1:
        raise DataError(
            f"expected {first + rows} pictures of at least {size}x{size}, got {tuple(image.shape)}; "
            "ask for fewer"
        )
    small = torch.nn.functional.avg_pool2d(image[mixed].float(), factor)
    return {"image": small.round().to(torch.uint8), "label": label[mixed]}
