"""Requests of one pass of the event loop share a run; each gets its own answer, or its own error."""

import asyncio
import threading

import numpy as np
import pytest

from serving.errors import BusyError, DeadlineError, InvalidInputError
from serving.gather import Gatherer
from serving.lane import Limits
from serving.metrics import Metrics
from serving.model import Model, load_model
from serving.run_times import RunTimes
from tests.serving.slow_model import write_slow


class Counted(Model):
    """A model that remembers how many rows each run had."""

    def run(self, arrays, rows, outputs):
        self.runs = [*getattr(self, "runs", []), rows]
        self.places = [*getattr(self, "places", []), threading.current_thread() is threading.main_thread()]
        return super().run(arrays, rows, outputs)


def counted(folder) -> Counted:
    """The model of a folder; a run of its own first, so that runs are known to be short."""
    loaded = load_model(folder)
    loaded.__class__ = Counted
    return loaded


@pytest.fixture
def classes(models_folder):
    model = counted(models_folder / "classes" / "1")
    model.times = RunTimes()  # on a busy machine its first run may have seemed a long one
    model.times.note(1, 0.0)
    return model


@pytest.fixture
def slow(small, tmp_path):
    write_slow(tmp_path, small.graph_bytes)
    return counted(tmp_path / "slow" / "1")


def gathered(work, **limits):
    """What `work(gatherer)` gives on an event loop of its own."""

    async def on_loop():
        gatherer = Gatherer(Limits(**limits), Metrics())
        try:
            return await work(gatherer)
        finally:
            gatherer.close()

    return asyncio.run(on_loop())


def point(at: int, rows: int = 1):
    return {"x": np.full((rows, 4), at, np.float32), "at": np.full(rows, at, np.int64)}


def turns(number: int, rows: int = 1):
    return {"turns": np.full((rows, 1), number, np.int64)}


def ask(model, *requests, **limits):
    """The answers to requests that all come in one pass."""
    return gathered(
        lambda gatherer: asyncio.gather(
            *(gatherer.run(model, each, model.outputs) for each in requests), return_exceptions=True
        ),
        **limits,
    )


def test_one_pass_is_one_run_and_answers_stay_with_their_requests(classes):
    requests = [point(at % 5, rows=1 + at % 3) for at in range(20)]
    alone = [classes.infer(each)["probability"] for each in requests]
    classes.runs = []
    answers = ask(classes, *requests)
    assert classes.runs == [39]
    for answer, expected in zip(answers, alone, strict=True):
        np.testing.assert_allclose(answer["probability"], expected, rtol=1e-6)


def test_a_run_holds_no_more_rows_than_it_may_but_one_request_is_never_split(classes):
    ask(classes, *(point(1, rows) for rows in (3, 3, 3, 9, 1)), rows_a_run=6)
    assert classes.runs == [6, 3, 9, 1]


def test_a_value_that_the_graph_refuses_is_its_senders_alone(classes):
    good, bad, other = ask(classes, point(1), point(99), point(2))
    assert isinstance(bad, InvalidInputError)
    assert good["probability"].shape == other["probability"].shape == (1, 3)
    assert classes.runs == [3, 1, 1, 1]


def test_requests_that_want_other_outputs_or_are_of_other_shape_get_their_own_run(models_folder):
    every = counted(models_folder / "ranged" / "1")
    rows = {"x": np.ones((1, 1), np.float32)}

    async def work(gatherer):
        wanted = [("cost",), ("cost",), ("cost_low", "cost")]
        return await asyncio.gather(*(gatherer.run(every, rows, outputs) for outputs in wanted))

    answers = gathered(work)
    assert [list(answer) for answer in answers] == [["cost"], ["cost"], ["cost_low", "cost"]]
    assert every.runs == [2, 1]


def test_a_lone_request_waits_for_no_other(classes):
    async def work(gatherer):
        pending = asyncio.ensure_future(gatherer.run(classes, point(1), classes.outputs))
        for passes in range(5):
            if pending.done():
                return passes
            await asyncio.sleep(0)
        raise AssertionError("five passes of the event loop without an answer")

    assert gathered(work) <= 4


def test_a_long_run_leaves_the_event_loop_free_and_the_next_run_takes_what_came(slow):
    async def work(gatherer):
        first = asyncio.ensure_future(gatherer.run(slow, turns(400), slow.outputs))
        await asyncio.sleep(0.02)
        rest = [asyncio.ensure_future(gatherer.run(slow, turns(1), slow.outputs)) for _ in range(5)]
        passes = 0
        while not first.done():
            passes += 1
            await asyncio.sleep(0.001)
        return passes, [answer["y"].item() for answer in await asyncio.gather(*rest)]

    passes, answers = gathered(work, runs=1)
    assert passes > 10
    assert answers == [1] * 5
    assert slow.runs == [1, 5]


def test_a_full_queue_refuses_and_a_passed_deadline_gives_up(slow):
    async def work(gatherer):
        first = asyncio.ensure_future(gatherer.run(slow, turns(600), slow.outputs))
        await asyncio.sleep(0.02)
        others = [asyncio.ensure_future(gatherer.run(slow, turns(1), slow.outputs, 0.05)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(BusyError, match="2 requests wait already"):
            await gatherer.run(slow, turns(1), slow.outputs)
        for each in others:
            with pytest.raises(DeadlineError, match=r"no answer within 0\.05 seconds"):
                await each
        return await first

    assert gathered(work, runs=1, waiting=2, rows_a_run=1)["y"].item() == 600
    assert slow.runs == [1]


def test_who_goes_away_is_not_worked_for(slow):
    async def work(gatherer):
        first = asyncio.ensure_future(gatherer.run(slow, turns(400), slow.outputs))
        await asyncio.sleep(0.02)
        gone = asyncio.ensure_future(gatherer.run(slow, turns(1000), slow.outputs))
        await asyncio.sleep(0)
        gone.cancel()
        return await first

    gathered(work, runs=1)
    assert slow.runs == [1]


def test_a_queue_that_runs_empty_ends_once_and_another_begins(classes):
    faults = []

    async def work(gatherer):
        asyncio.get_running_loop().set_exception_handler(lambda _, about: faults.append(about))
        for _ in range(2):
            # Nothing is known of its runs: the first goes to a thread, and when it was short the rest do not.
            classes.times = RunTimes()
            await asyncio.gather(*(gatherer.run(classes, point(at), classes.outputs) for at in range(3)))
            assert not gatherer.waiting()

    gathered(work, rows_a_run=1, runs=1)
    assert classes.runs == [1] * 6
    assert not faults


@pytest.mark.parametrize(("seconds", "here"), [(0.0, True), (0.001, False)])
def test_runs_go_side_by_side_where_that_is_worth_a_threads_hand_over(classes, seconds, here):
    classes.times.note(1, seconds * 10)
    classes.places = []
    ask(classes, *(point(at) for at in range(4)), rows_a_run=1, runs=4)
    assert all(classes.places) is here
    classes.times = RunTimes()
    classes.times.note(1, seconds)
    classes.places = []
    ask(classes, point(1), rows_a_run=1, runs=4)
    assert classes.places == [True]
