"""Recipe of generators of pictures: what is real, who judges, grids through training."""

import io
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.catalog import Entry
from models.data.batches import TensorBatches
from models.data.data import Data, Part
from models.errors import CatalogError
from models.export.network import network_graph
from models.export.tensors import check_tensors
from models.fid import TurnNetwork, learn_features
from models.plots_samples import plot_pair, save_grid
from models.recipe import Export, Learner, Recipe, build_config
from models.seeds import seeded
from models.tasks.adversarial import Adversarial
from serving.bundle import Input, Output, SeedForm

if TYPE_CHECKING:
    from matplotlib.figure import Figure

JUDGE = "judge.pt"


class AdversarialRecipe(Recipe):
    """Column ``image`` uint8 [rows, channels, size, size]. Option ``judge_steps``: the judge's updates."""

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
        """Let the judge learn from the training pictures; build both networks."""
        image = _images(data.train)
        config = build_config(entry, {"image": tuple(image.shape[1:]), **network})
        with seeded(seed):
            task = self.rebuild(entry, config, options, ())
        judge = learn_features(image, steps=options["judge_steps"], seed=seed)
        task.judge.load_state_dict(judge.state_dict())
        learner = Learner(name, asdict(config), dict(options), (), {}, task)
        buffer = io.BytesIO()
        torch.save(judge.state_dict(), buffer)
        learner.assets[JUDGE] = buffer.getvalue()
        return learner

    def rebuild(
        self, entry: Entry, config: Any, options: Mapping[str, Any], labels: tuple[str, ...]
    ) -> Adversarial:
        """Build the task of a saved learner; ``restore`` gives it its judge."""
        assert not labels
        own = {key: value for key, value in options.items() if key != "judge_steps"}
        judge = TurnNetwork(config.image[0]).eval().requires_grad_(False)
        try:
            return Adversarial(cast("Any", entry.network(config)), judge, **own)
        except TypeError as error:
            raise CatalogError(f"Adversarial takes other options: {error}; mend the parameters") from error

    def restore(self, learner: Learner) -> None:
        """Give the task its judge back."""
        weights = torch.load(io.BytesIO(learner.assets[JUDGE]), weights_only=True)
        cast("Adversarial", learner.task).judge.load_state_dict(weights)

    def batches(
        self,
        learner: Learner,  # noqa: ARG002  texts need its tokenizer here
        part: Part,
        *,
        batch_size: int,
        shuffle: bool = False,
        seed: int = 0,
    ) -> TensorBatches:
        """Batches of ``image``."""
        return TensorBatches({"image": _images(part)}, batch_size=batch_size, shuffle=shuffle, seed=seed)

    def watch(self, learner: Learner, folder: Path) -> Callable[[int, dict[str, float]], None]:
        """Write a grid from the same noise after epochs 1, 2, 4, 8 and so on."""

        def draw(epoch: int, _metrics: dict[str, float]) -> None:
            if (epoch + 1) & epoch == 0:
                save_grid(_made(learner, 32), folder / f"samples_after_epoch_{epoch + 1:03}.png")

        return draw

    def evidence(self, learner: Learner, part: Part) -> "dict[str, Figure]":
        """Real pictures beside made ones."""
        return {"real_and_made": plot_pair(_images(part)[:64].numpy(), _made(learner, 64))}

    def export(self, learner: Learner, part: Part, *, tolerance: float) -> Export:
        """The generator alone, from noise to a picture."""
        assert part
        task = cast("Adversarial", learner.task.eval())
        served, config = task.served(), task.network.config
        graph = network_graph(served)
        z = np.random.default_rng(0).standard_normal((16, config.latent)).astype(np.float32)
        cases = {"one": {"z": z[:1]}, "three": {"z": z[:3]}, "many": {"z": z}}

        def answer(arrays: dict[str, NDArray[Any]]) -> list[NDArray[Any]]:
            with torch.no_grad():
                return [served.module(torch.from_numpy(arrays["z"])).numpy()]

        # Rounding to whole steps of 255 may fall to either side.
        parity = check_tensors(graph, cases, answer, absolute=1.0, relative=tolerance)
        return Export(
            graph=graph,
            task="image generation",
            inputs=(
                Input(name="z", datatype="FP32", shape=(-1, config.latent), kind="tensor", required=True),
            ),
            outputs=(Output(name="image", datatype="UINT8", shape=(-1, *config.image)),),
            parity=parity,
            form=SeedForm(input="z", size=config.latent, output="image"),
            example={"seed": 7},
        )

    def sample(self, learner: Learner, part: Part, *, count: int, seed: int, folder: Path) -> list[str]:
        """Pictures from noise, in one file."""
        assert part
        path = folder / f"{learner.name}_{seed}.png"
        save_grid(_made(learner, count, seed), path)
        return [f"{count} pictures in {path}"]


def _images(part: Part) -> Tensor:
    return cast("Tensor", part["image"])


def _made(learner: Learner, count: int, seed: int = 0) -> NDArray[np.uint8]:
    """Pictures [count, channels, size, size] from the noise of ``seed``."""
    task = cast("Adversarial", learner.task)
    training = task.training
    task.eval()
    with torch.no_grad():
        made = torch.cat(list(task.pictures(count, seed)))
    task.train(training)
    return ((made.cpu() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).numpy()
