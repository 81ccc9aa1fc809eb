"""The Frechet distance against scipy's root of a matrix, and what tells a collapsed generator."""

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from models.errors import TrainingError
from models.fid import diversity, frechet_distance, learn_features
from models.tasks.adversarial import Adversarial
from models.zoo.dcgan import DCGAN, DCGANConfig


def test_it_equals_the_formula_with_scipys_root():
    generator = torch.Generator().manual_seed(0)
    one, two = (torch.randn(60, 5, generator=generator, dtype=torch.double) for _ in range(2))
    two = two @ torch.randn(5, 5, generator=generator, dtype=torch.double) + 1
    covs = [np.cov(part.numpy(), rowvar=False) for part in (one, two)]
    shift = ((one.mean(0) - two.mean(0)) ** 2).sum().item()
    expected = shift + np.trace(covs[0] + covs[1] - 2 * sqrtm(covs[0] @ covs[1]).real)
    assert frechet_distance(one, two) == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(one, one) == pytest.approx(0, abs=1e-6)


def a_contest(stop: bool = False) -> tuple[Adversarial, torch.Tensor]:
    image = torch.randint(
        0, 256, (40, 3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    judge = learn_features(image, steps=3, seed=0, batch_size=8)
    torch.manual_seed(0)
    network = DCGAN(DCGANConfig((3, 16, 16), latent=8, generator=4, discriminator=4))
    return Adversarial(network, judge, judged=40, stop_on_collapse=stop).eval(), image


def test_a_generator_that_makes_one_picture_is_found_out():
    task, image = a_contest()
    with torch.no_grad():
        task.network.generator.layers[0].weight.zero_()
        metrics = task.evaluate([{"image": image}])
    assert metrics["collapsed"] == 1.0
    assert metrics["diversity"] < 0.01


def test_one_whose_pictures_differ_is_not():
    task, image = a_contest()
    task.pictures = lambda rows, seed=0: iter([image.float() / 127.5 - 1])  # type: ignore[method-assign]
    with torch.no_grad():
        metrics = task.evaluate([{"image": image}])
    assert metrics["collapsed"] == 0.0
    assert metrics["fid"] == pytest.approx(0, abs=1e-4)


def test_collapse_may_end_the_run():
    task, image = a_contest(stop=True)
    with torch.no_grad():
        task.network.generator.layers[0].weight.zero_()
        with pytest.raises(TrainingError, match="lower lr"):
            task.evaluate([{"image": image}])


def test_diversity_is_the_mean_distance():
    assert diversity(torch.zeros(10, 3)) == 0
    assert diversity(torch.eye(6)) == pytest.approx(2**0.5)
