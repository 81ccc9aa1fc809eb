"""The supernet: fair paths, weights that paths share, answers as a network's that has the same weights."""

import random
from collections import Counter

import pytest
import torch

from models.errors import SearchError
from models.nas.catalog import SPACES, lesson_of
from models.nas.lesson import Lesson
from models.nas.supernet import Supernet, paths
from models.nas.training import build
from tests.models.few_cells import small
from tests.models.test_nas_methods import BEST, CELLS, Toy


@pytest.fixture(scope="module")
def lesson() -> Lesson:
    return small(epochs=3)


def test_uniform_paths_take_each_option_as_often_and_fair_ones_exactly():
    rng = random.Random(0)
    counts = Counter(path[0] for _ in range(5000) for path in paths(CELLS, "uniform", rng))
    assert all(abs(count - 1000) < 120 for count in counts.values())
    for _ in range(20):
        drawn = paths(CELLS, "fair", rng)
        assert len(drawn) == 5
        for at, options in enumerate(CELLS.decisions):
            assert sorted(path[at] for path in drawn) == sorted(options)


def test_paths_through_the_same_operation_move_the_same_weights(lesson):
    supernet = Supernet(CELLS, lesson, 0)
    cell = supernet.network.stages[0][0]
    names = {name for name, _ in supernet.learner.task.named_parameters() if "edges.0.conv3" in name}
    assert names
    kept = {name: weight.clone() for name, weight in supernet.learner.task.state_dict().items()}
    batch = {"image": lesson.data.train["image"][:32], "label": lesson.data.train["label"][:32]}
    for path in (
        ("conv3", "none", "none", "skip", "none"),
        ("conv3", "pool3", "conv1", "conv3", "skip"),
    ):
        supernet.network.path = path
        supernet.learner.task.zero_grad()
        for _, loss in supernet.learner.task.losses(batch):
            loss.backward()
        assert cell.edges[0]["conv3"][1].weight.grad.abs().sum() > 0
        assert cell.edges[0]["conv1"][1].weight.grad is None
    assert set(kept) == set(supernet.learner.task.state_dict())


def test_a_path_of_the_supernet_answers_as_the_network_with_its_weights(lesson):
    supernet = Supernet(CELLS, lesson, 0)
    supernet.train(1, "fair")
    architecture = ("conv3", "pool3", "conv1", "none", "skip")
    architecture = CELLS.canonical(architecture)
    alone = build(CELLS, lesson, architecture, 0).task
    shared = supernet.learner.task.state_dict()
    alone.load_state_dict({name: shared[name] for name in alone.state_dict()})
    supernet.network.path = architecture
    image = lesson.data.test["image"][:8]
    with torch.no_grad():
        assert torch.equal(alone.eval().head(image), supernet.learner.task.eval().head(image))


@pytest.mark.slow
def test_training_makes_the_shared_weights_better(lesson):
    data = lesson.data
    supernet = Supernet(Toy(), lesson, 0)
    before = supernet.score(BEST, data.train)
    supernet.train(40, "fair")
    assert supernet.score(BEST, data.train) > before + 0.1


def test_a_space_without_shared_weights_says_so():
    space = SPACES["mlp"]
    with pytest.raises(SearchError, match="mlp is none"):
        Supernet(space, lesson_of(space), 0)
