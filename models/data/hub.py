"""Sets from the Hugging Face hub, by id, for a user with a network."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from models.data.data import Part
from models.errors import DataError

HUB = {
    "mnist": "ylecun/mnist",
    "cifar10": "uoft-cs/cifar10",
    "faces": "flwrlabs/celeba",
    "imdb": "stanfordnlp/imdb",
    "multi30k": "bentrevett/multi30k",
}
"""The hub's id by set."""

SPLITS = {"train": "train", "validation": "validation", "valid": "validation", "test": "test"}


def read_hub(name: str, *, progress: bool = True) -> tuple[dict[str, Part], tuple[str, ...]]:
    """Fetch the set ``name`` (the library keeps it): splits, and the classes. Raises DataError."""
    if name not in HUB:
        raise DataError(
            f"expected a set that the hub has, {', '.join(HUB)}, got {name!r}; use source embedded"
        )
    from datasets import load_dataset

    try:
        found = load_dataset(HUB[name])
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise DataError(
            f"expected {HUB[name]} from the hub, got: {reason[:200]}; with no network name a folder: "
            "--data-dir, or source: folder"
        ) from error
    return convert(name, found, progress=progress)


def convert(
    name: str, found: Mapping[str, Any], *, progress: bool = True
) -> tuple[dict[str, Part], tuple[str, ...]]:
    """Turn the hub's splits of the set ``name``, in their own columns, into ours."""
    splits = {
        SPLITS[split]: CONVERTERS[name](rows, progress) for split, rows in found.items() if split in SPLITS
    }
    feature = next(iter(found.values())).features.get("label")
    return splits, tuple(getattr(feature, "names", None) or ())


def _grey(rows: Any, progress: bool) -> Part:
    return {"image": _stacked(rows, "image", "L", None, progress), "label": torch.tensor(rows["label"])}


def _coloured(rows: Any, progress: bool) -> Part:
    return {"image": _stacked(rows, "img", "RGB", None, progress), "label": torch.tensor(rows["label"])}


def _faces(rows: Any, progress: bool) -> Part:
    return {"image": _stacked(rows, "image", "RGB", 64, progress)}


def _stacked(rows: Any, column: str, mode: str, size: int | None, progress: bool) -> torch.Tensor:
    pictures = []
    for row in tqdm(rows, unit="row", disable=not progress, leave=False):
        picture = row[column].convert(mode)
        if size is not None:
            # CelebA's aligned pictures are 178 x 218: the middle square, as the DCGAN examples take it.
            side = min(picture.size)
            left, top = (picture.width - side) // 2, (picture.height - side) // 2
            picture = picture.crop((left, top, left + side, top + side)).resize((size, size))
        array = np.array(picture)
        pictures.append(torch.from_numpy(array[None] if array.ndim == 2 else array.transpose(2, 0, 1).copy()))
    return torch.stack(pictures)


def _reviews(rows: Any, _progress: bool) -> Part:
    return {"text": list(rows["text"]), "label": torch.tensor(rows["label"])}


def _pairs(rows: Any, _progress: bool) -> Part:
    return {"source": list(rows["de"]), "target": list(rows["en"])}


CONVERTERS: dict[str, Callable[[Any, bool], Part]] = {
    "mnist": _grey,
    "cifar10": _coloured,
    "faces": _faces,
    "imdb": _reviews,
    "multi30k": _pairs,
}
