"""Recipe of classifiers of pictures."""

import base64
import io
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from onnx import ModelProto
from torch import Tensor

from models.arrays import ArrayNetwork
from models.catalog import Entry
from models.data.batches import TensorBatches
from models.data.data import Data, Part
from models.errors import CatalogError
from models.export.arrays import array_graph
from models.export.network import network_graph
from models.export.tensors import check_tensors
from models.recipe import Export, Learner, Recipe, build_config
from models.seeds import seeded
from models.tasks.image_classification import ImageClassification
from serving.bundle import ImageForm, Input, Output

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PROVED = 256
"""Test pictures on which graph and torch are compared."""


class ImageClassificationRecipe(Recipe):
    """Columns ``image`` uint8 [rows, channels, height, width] and ``label`` int64 [rows]."""

    def learner(
        self,
        name: str,
        entry: Entry,
        data: Data,
        *,
        network: Mapping[str, Any],
        options: Mapping[str, Any],
        seed: int,
    ) -> Learner:
        """Build the network for the pictures' size and the classes, scaled by the training pictures."""
        image = _images(data.train)
        shape = {"image": tuple(image.shape[1:]), "classes": len(data.labels)}
        config = build_config(entry, {**shape, **network})
        with seeded(seed):
            task = self.rebuild(entry, config, options, data.labels)
        task.head.calibrate(image)
        return Learner(name, asdict(config), dict(options), data.labels, {}, task)

    def rebuild(
        self, entry: Entry, config: Any, options: Mapping[str, Any], labels: tuple[str, ...]
    ) -> ImageClassification:
        """Build the task of a saved learner; the scale comes with the weights."""
        try:
            return ImageClassification(
                entry.network(config), image=config.image, classes=len(labels), **options
            )
        except TypeError as error:
            raise CatalogError(
                f"ImageClassification takes other options: {error}; mend the parameters"
            ) from error

    def batches(
        self,
        learner: Learner,  # noqa: ARG002  texts need its tokenizer here
        part: Part,
        *,
        batch_size: int,
        shuffle: bool = False,
        seed: int = 0,
    ) -> TensorBatches:
        """Batches of ``image`` and ``label``."""
        tensors = {"image": _images(part), "label": cast("Tensor", part["label"])}
        return TensorBatches(tensors, batch_size=batch_size, shuffle=shuffle, seed=seed)

    def evidence(self, learner: Learner, part: Part) -> "dict[str, Figure]":
        """The confusions, and the mistakes that were most certain."""
        from models.plots_images import plot_confusion, plot_pictures

        label_N = cast("Tensor", part["label"]).numpy()
        probabilities_NK = _answers(learner, _images(part))
        answer_N = probabilities_NK.argmax(axis=1)
        certain_N = probabilities_NK.max(axis=1)
        worst = [at for at in np.argsort(-certain_N, kind="stable") if answer_N[at] != label_N[at]][:24]
        figures = {"confusion": plot_confusion(label_N, answer_N, learner.labels)}
        if worst:
            words = [f"{learner.labels[answer_N[at]]}\ntrue {learner.labels[label_N[at]]}" for at in worst]
            pictures = _images(part).numpy()[worst]
            figures["mistakes"] = plot_pictures(pictures, words, title="Most certain mistakes")
        return figures

    def export(self, learner: Learner, part: Part, *, tolerance: float) -> Export:
        """One graph from pictures to probabilities by class."""
        task = cast("ImageClassification", learner.task)
        graph = _graph(task)
        image = _images(part)[:PROVED].numpy()
        cases = {"one": {"image": image[:1]}, "three": {"image": image[:3]}, "many": {"image": image}}
        parity = check_tensors(
            graph,
            cases,
            lambda arrays: [_answers(learner, torch.from_numpy(arrays["image"]))],
            relative=tolerance,
        )
        channels, height, width = task.image
        return Export(
            graph=graph,
            task="image classification",
            inputs=(
                Input(name="image", datatype="UINT8", shape=(-1, *task.image), kind="tensor", required=True),
            ),
            outputs=(
                Output(
                    name="probabilities", datatype="FP32", shape=(-1, task.classes), labels=learner.labels
                ),
            ),
            parity=parity,
            form=ImageForm(input="image", channels=cast("Any", channels), height=height, width=width),
            example={"image": base64.b64encode(_png(image[0])).decode("ascii")},
        )

    def sample(self, learner: Learner, part: Part, *, count: int, seed: int, folder: Path) -> list[str]:
        """Answers and truth of some pictures, which are drawn in one file."""
        from models.plots_images import plot_pictures

        rows = np.random.default_rng(seed).permutation(len(_images(part)))[:count]
        image = _images(part)[torch.from_numpy(rows)]
        truth = cast("Tensor", part["label"])[torch.from_numpy(rows)].tolist()
        found = _answers(learner, image)
        lines = [
            f"{learner.labels[int(row.argmax())]:12} {row.max():6.1%}   true {learner.labels[true]}"
            for row, true in zip(found, truth, strict=True)
        ]
        words = [learner.labels[int(row.argmax())] for row in found]
        path = folder / f"{learner.name}.png"
        plot_pictures(image.numpy(), words, title=learner.name).savefig(path, dpi=120)
        return [*lines, f"pictures in {path}"]


def _graph(task: ImageClassification) -> ModelProto:
    """From pictures to probabilities; an array program has its graph written, for there is no trace of it."""
    head = task.head
    if not isinstance(head.network, ArrayNetwork):
        return network_graph(task.served())
    mean, deviation = head.mean.cpu().numpy(), head.deviation.cpu().numpy()
    return array_graph(head.network.arrays(), image=task.image, mean=mean, deviation=deviation)


def _images(part: Part) -> Tensor:
    return cast("Tensor", part["image"])


def _answers(learner: Learner, image_NCHW: Tensor) -> NDArray[Any]:
    """Probabilities_NK, five hundred pictures at a time."""
    head = cast("ImageClassification", learner.task.eval()).head
    with torch.no_grad():
        return np.concatenate([head(part).numpy() for part in torch.split(image_NCHW, 500)])


def _png(image_CHW: NDArray[np.uint8]) -> bytes:
    from PIL import Image

    picture = image_CHW.transpose(1, 2, 0)
    file = io.BytesIO()
    Image.fromarray(picture[:, :, 0] if picture.shape[2] == 1 else picture).save(file, "PNG")
    return file.getvalue()
