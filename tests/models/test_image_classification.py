"""Classification of pictures: scaling, augmentation, metrics, and what its recipe makes of them."""

import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from models.catalog import CATALOG
from models.data.data import Data, Origin
from models.errors import CatalogError, ParityError
from models.recipes.image_classification import ImageClassificationRecipe
from models.tasks.image_classification import ImageClassification, ImageHead

RECIPE = ImageClassificationRecipe()


class Left(nn.Module):
    """Logits: how bright the left half is, and the right one."""

    def __init__(self):
        super().__init__()
        self.factor = nn.Parameter(torch.ones(()))

    def forward(self, x_BCHW):
        half = x_BCHW.shape[3] // 2
        sides = x_BCHW[..., :half], x_BCHW[..., half:]
        return self.factor * torch.stack([side.mean((1, 2, 3)) for side in sides], 1)


def pictures(rows=8, seed=0, shape=(1, 6, 6)):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (rows, *shape), generator=generator, dtype=torch.uint8)


def a_task(**options):
    return ImageClassification(Left(), image=(1, 6, 6), classes=2, **options)


def test_training_pictures_are_scaled_to_mean_0_and_deviation_1():
    image = pictures(1500, shape=(3, 4, 4))
    head = ImageHead(nn.Flatten(), 3)
    head.calibrate(image)
    x = head.scale(image)
    assert x.mean((0, 2, 3)) == pytest.approx(torch.zeros(3), abs=1e-5)
    assert x.std((0, 2, 3)) == pytest.approx(torch.ones(3), abs=1e-3)
    # One colour throughout has no deviation: nothing is divided by nought.
    head.calibrate(torch.full((4, 3, 4, 4), 7, dtype=torch.uint8))
    assert torch.isfinite(head.scale(image)).all()


def test_a_mirrored_answer_does_not_tell_left_from_right():
    image = pictures()
    plain, mirrored = (ImageHead(Left(), 1, mirrored=each) for each in (False, True))
    with torch.no_grad():
        assert not torch.allclose(plain(image)[:, 0], plain(image.flip(3))[:, 0])
        assert torch.allclose(mirrored(image), mirrored(image.flip(3)))
        assert torch.allclose(mirrored(image).sum(1), torch.ones(8))


def test_half_of_a_batch_is_turned_and_all_of_it_is_left_alone_when_judged():
    task = a_task(degrees=10.0)
    x = task.head.scale(pictures())
    with torch.random.fork_rng():
        torch.manual_seed(0)
        changed = task._changed(x)
    assert torch.allclose(changed[4:], x[4:], atol=1e-5)
    # One of them is turned by next to nothing.
    assert sum(not torch.allclose(changed[at], x[at], atol=1e-2) for at in range(4)) >= 3
    assert torch.equal(task.eval()._changed(x), x)


def test_the_loss_is_smoothed_cross_entropy_of_the_networks_logits():
    task = a_task(label_smoothing=0.2)
    batch = {"image": pictures(), "label": torch.tensor([0, 1] * 4)}
    ((name, loss),) = task.losses(batch)
    logs = torch.log_softmax(Left()(batch["image"] / 255), 1)
    smooth = 0.2 / 2 + 0.8 * nn.functional.one_hot(batch["label"], 2)
    assert name == "network"
    assert loss.item() == pytest.approx(-(smooth * logs).sum(1).mean().item(), rel=1e-5)


def test_metrics_are_over_all_rows_not_over_batches():
    task = a_task().eval()
    image = torch.zeros(3, 1, 6, 6, dtype=torch.uint8)
    image[:2, ..., :3] = 255
    batches = [
        {"image": image[:1], "label": torch.tensor([0])},
        {"image": image[1:], "label": torch.tensor([1, 0])},
    ]
    found = task.evaluate(batches)
    sure = 1 / (1 + np.exp(-1))
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert found["loss"] == pytest.approx(-(np.log(sure) + np.log(1 - sure) + np.log(0.5)) / 3, rel=1e-5)


def test_weight_decay_spares_biases():
    network = nn.Sequential(nn.Flatten(), nn.Linear(36, 2))
    task = ImageClassification(network, image=(1, 6, 6), classes=2, weight_decay=0.1, momentum=0.9)
    decayed, spared = task.optimizers(0.1)["network"].param_groups
    assert [each["weight_decay"] for each in (decayed, spared)] == [0.1, 0.0]
    assert [len(each["params"]) for each in (decayed, spared)] == [1, 1]
    assert decayed["nesterov"]
    adam = ImageClassification(network, image=(1, 6, 6), classes=2, optimizer="adamw").optimizers(0.1)
    assert type(adam["network"]) is torch.optim.AdamW


def a_learner(**options):
    part = {"image": pictures(12, shape=(3, 8, 8)), "label": torch.arange(12) % 3}
    origin = Origin("cifar10", "embedded", "twelve pictures", {"train": 12}, "")
    data = Data(part, part, part, ("cat", "dog", "owl"), origin)
    small = {"blocks": ((4,), (4,)), "hidden": (8,)}
    return RECIPE.learner(
        "cifar_cnn", CATALOG["cifar_cnn"], data, network=small, options=options, seed=0
    ), part


def test_the_recipe_builds_for_the_pictures_and_scales_by_them():
    learner, part = a_learner()
    assert learner.config["image"] == (3, 8, 8)
    assert learner.config["classes"] == 3
    x = learner.task.head.scale(part["image"])
    assert x.mean((0, 2, 3)) == pytest.approx(torch.zeros(3), abs=1e-5)
    with pytest.raises(CatalogError, match=r"other options: .*'colour'; mend the parameters"):
        a_learner(colour=True)


def test_evidence_shows_confusions_and_mistakes(tmp_path):
    learner, part = a_learner()
    figures = RECIPE.evidence(learner, part)
    assert set(figures) == {"confusion", "mistakes"}
    for name, figure in figures.items():
        figure.savefig(tmp_path / f"{name}.svg")
    lines = RECIPE.sample(learner, part, count=3, seed=0, folder=tmp_path)
    assert len(lines) == 4
    assert all("true " in line for line in lines[:3])
    assert (tmp_path / "cifar_cnn.png").is_file()


@pytest.mark.slow
def test_the_graph_holds_the_scaling_and_the_mirror():
    learner, part = a_learner(mirrored=True)
    made = RECIPE.export(learner, part, tolerance=1e-4)
    assert made.outputs[0].labels == ("cat", "dog", "owl")
    assert made.inputs[0].datatype == "UINT8"
    with Image.open(io.BytesIO(base64.b64decode(made.example["image"]))) as opened:
        assert np.array_equal(np.asarray(opened).transpose(2, 0, 1), part["image"][0].numpy())


def test_a_graph_that_leaves_something_out_is_not_exported():
    part = {"image": pictures(12), "label": torch.arange(12) % 2}
    data = Data(part, part, part, ("a", "b"), Origin("mnist", "embedded", "", {"train": 12}, ""))
    entry = CATALOG["numpy_mlp"]
    learner = RECIPE.learner("numpy_mlp", entry, data, network={}, options={"mirrored": True}, seed=0)
    with pytest.raises(ParityError, match="do not serve it"):
        RECIPE.export(learner, part, tolerance=1e-4)
