"""The predictor of scores: what it learns from a few trainings, what it doubts, where a search begins."""

import random

import numpy as np
from scipy.stats import kendalltau

from models.nas.catalog import SPACES
from models.nas.methods.predictor import beginners, encodings, predict
from tests.models.test_nas_methods import WORTH

CELLS = SPACES["cells"]


def test_the_predictor_learns_a_sum_of_operations_from_a_few_and_doubts_what_it_has_not_seen():
    pool = CELLS.architectures[::4]
    worth = np.array([sum(map(WORTH.get, each)) for each in pool])
    x, rng = encodings(CELLS, pool, dict.fromkeys(pool, 0.0)), np.random.default_rng(0)
    seen = rng.permutation(len(pool))[:60].tolist()
    mean, doubt = predict(x, seen, worth[seen].tolist())
    rest = np.setdiff1d(np.arange(len(pool)), seen)
    assert kendalltau(mean[rest], worth[rest])[0] > 0.8
    assert doubt[seen].max() < np.median(doubt[rest])


def test_doubt_leaves_out_what_the_seed_of_a_training_adds():
    rng = np.random.default_rng(0)
    x = np.repeat(np.linspace(-1, 1, 10), 12)[:, None]
    scores = x[:, 0] + rng.normal(0, 0.5, len(x))
    mean, doubt = predict(x, range(len(x)), scores.tolist())
    assert doubt.max() < 0.25
    assert np.abs(mean - x[:, 0]).max() < 0.35


def test_beginners_are_the_best_ranked_and_others_by_chance_each_once():
    pool = [(str(number),) for number in range(10)]
    ranking = {each: float(each[0]) for each in pool[:6]}
    chosen = beginners(pool, ranking, 6, random.Random(0))
    assert chosen[:3] == [("5",), ("4",), ("3",)]
    assert len(set(chosen)) == 6
    assert sorted(beginners(pool, ranking, 99, random.Random(0))) == pool
