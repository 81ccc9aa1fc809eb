"""When a page is tried again, how often, and what an outage forgives."""

from scrapers.again import MAX_WAITS, NEVER, Again
from scrapers.fetched import Fetched
from scrapers.frontier import Link

PAGE, OTHER = (Link(number, f"http://x.example/{number}", "page") for number in (1, 2))
BROKEN = Fetched(PAGE.url, status=500, error="500", transient=True)
BUSY = Fetched(PAGE.url, status=503, headers=(("Retry-After", "7"),), error="503", transient=True)


def test_waits_double_until_there_are_no_retries_left() -> None:
    again = Again(retries=3, backoff_s=0.5)
    waits = []
    while again.take(PAGE, BROKEN, 100.0):
        waits.append(again.due_s(100.0))
        again.pop()
    assert waits == [0.5, 1.0, 2.0]
    assert again.settle(PAGE) == 3
    assert (len(again), again.due_s(0.0)) == (0, NEVER)


def test_what_the_site_asks_for_does_not_count() -> None:
    again = Again(retries=1, backoff_s=0.5)
    for _ in range(MAX_WAITS):
        assert again.take(PAGE, BUSY, 0.0)
        assert again.due_s(0.0) == 7.0
        again.pop()
    assert [again.take(PAGE, BUSY, 0.0), again.take(PAGE, BUSY, 0.0)] == [True, False]


def test_the_first_due_comes_first() -> None:
    again = Again(retries=1, backoff_s=1)
    again.push(PAGE, 5.0)
    again.push(OTHER, 3.0)
    assert [again.pop(), again.pop()] == [OTHER, PAGE]


def test_an_outage_gives_all_another_chance() -> None:
    again = Again(retries=0, backoff_s=1)
    assert not again.take(PAGE, BROKEN, 0.0)
    again.outage(9.0)
    assert (again.due_s(9.0), again.pop()) == (0.0, PAGE)
    assert not again.take(PAGE, BROKEN, 0.0)
    again.went_well()
    again.outage(9.0)
    assert len(again) == 0
