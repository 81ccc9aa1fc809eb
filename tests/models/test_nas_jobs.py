"""Trainings side by side: results in order, each soon after it is there."""

from joblib import delayed, parallel_config

from models.nas.jobs import in_order


def test_results_come_in_order_and_soon_whatever_the_backend():
    taken = []

    def calls():
        for number in range(20):
            taken.append(number)
            yield delayed(abs)(-number)

    # A backend that hands nothing over before the end, as Ray's: results must come before all have begun.
    with parallel_config(backend="multiprocessing", n_jobs=2):
        results = in_order(calls(), None)
        assert next(results) == 0
        assert len(taken) < 20
        assert list(results) == list(range(1, 20))
