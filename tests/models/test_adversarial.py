"""What the recipe of generators makes: grids through training, pictures of a seed, a judge that is kept."""

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

from models.catalog import CATALOG
from models.data.data import Data, Origin
from models.errors import CatalogError
from models.recipe import load_learner, save_learner
from models.recipes.adversarial import AdversarialRecipe

RECIPE, ENTRY = AdversarialRecipe(), CATALOG["dcgan"]
OPTIONS = {"judge_steps": 2, "judged": 8}


@pytest.fixture
def part():
    generator = torch.Generator().manual_seed(0)
    return {"image": torch.randint(0, 256, (12, 3, 16, 16), dtype=torch.uint8, generator=generator)}


@pytest.fixture
def learner(part):
    origin = Origin("faces", "embedded", "noise", {"train": 12}, "digest")
    return RECIPE.learner(
        "dcgan", ENTRY, Data(part, part, part, (), origin), seed=0, options=OPTIONS,
        network={"latent": 8, "generator": 4, "discriminator": 4},
    )  # fmt: skip


def test_grids_are_drawn_after_epochs_1_2_4_and_8_from_the_same_noise(learner, tmp_path):
    draw = RECIPE.watch(learner, tmp_path)
    for epoch in range(8):
        draw(epoch, {})
    names = [f"samples_after_epoch_{epoch:03}.png" for epoch in (1, 2, 4, 8)]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    first, last = (np.asarray(Image.open(tmp_path / name)) for name in (names[0], names[-1]))
    assert first.shape == (4 * 16 + 3 * 2, 8 * 16 + 7 * 2, 3)
    assert np.array_equal(first, last)


def test_drawing_leaves_the_network_in_training(learner, tmp_path):
    learner.task.train()
    before = {key: value.clone() for key, value in learner.task.state_dict().items()}
    RECIPE.watch(learner, tmp_path)(0, {})
    assert learner.task.training
    assert all(torch.equal(value, before[key]) for key, value in learner.task.state_dict().items())


def test_a_seed_decides_the_pictures(learner, part, tmp_path):
    shown = {seed: RECIPE.sample(learner, part, count=2, seed=seed, folder=tmp_path) for seed in (0, 1)}
    assert all(f"dcgan_{seed}.png" in line for seed, (line,) in shown.items())
    one, two = ((tmp_path / f"dcgan_{seed}.png").read_bytes() for seed in (0, 1))
    RECIPE.sample(learner, part, count=2, seed=0, folder=tmp_path)
    assert one == (tmp_path / "dcgan_0.png").read_bytes() != two


def test_the_judge_comes_back_with_the_learner(learner, part, tmp_path):
    save_learner(learner, tmp_path)
    other = load_learner(tmp_path, ENTRY, RECIPE)
    x_BCHW = part["image"].float() / 127.5 - 1
    assert torch.equal(learner.task.features(x_BCHW), other.task.features(x_BCHW))


def test_a_size_that_does_not_halve_and_an_unknown_option_are_named(learner, part):
    with pytest.raises(CatalogError, match="16, 32, 64 or 128, got 24 x 24"):
        RECIPE.rebuild(
            ENTRY, dataclasses.replace(learner.task.network.config, image=(3, 24, 24)), OPTIONS, ()
        )
    with pytest.raises(CatalogError, match=r"Adversarial takes other options.*beta9"):
        RECIPE.rebuild(ENTRY, learner.task.network.config, {"beta9": 1}, ())
