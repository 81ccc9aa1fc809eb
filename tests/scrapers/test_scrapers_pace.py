"""How many requests are made at once, as the site answers, and when none is."""

import pytest

from scrapers.fetched import Fetched
from scrapers.pace import BAD_IN_A_ROW, FIRST_LIMIT, Pace

GOOD = Fetched("http://x.example/", status=200)
BAD = Fetched("http://x.example/", error="reset", transient=True)


def busy(status: int, seconds: int) -> Fetched:
    headers = (("Retry-After", str(seconds)),)
    return Fetched("http://x.example/", status=status, headers=headers, error="busy", transient=True)


def test_more_at_once_while_it_goes_well_and_half_when_it_does_not() -> None:
    pace = Pace(most=6, delay_s=0)
    assert pace.limit == FIRST_LIMIT
    for _ in range(100):
        pace.ended(GOOD, 0.1, 1.0)
    assert pace.limit == 6
    pace.ended(BAD, 0.1, 2.0)
    pace.ended(BAD, 0.1, 2.05)
    assert pace.limit == 3, "once for all that was under way"
    pace.ended(GOOD, 5.0, 9.0)
    assert pace.limit < 3, "a slow answer too"


def test_no_more_than_the_limit_and_no_sooner_than_the_delay() -> None:
    pace = Pace(most=4, delay_s=0.5)
    assert pace.wait_s(10.0, 0) == 0
    pace.started(10.0)
    assert pace.wait_s(10.2, 1) == pytest.approx(0.3)
    assert pace.wait_s(10.2, 2) is None


def test_429_is_for_all_and_503_for_one_page_until_it_comes_again() -> None:
    pace = Pace(most=4, delay_s=0)
    pace.ended(busy(503, 30), 0.1, 0.0)
    assert pace.wait_s(0.0, 0) == 0
    pace.ended(busy(429, 5), 0.1, 0.0)
    assert pace.wait_s(0.0, 0) == 5
    pace.ended(busy(503, 30), 0.1, 0.0)
    assert pace.wait_s(0.0, 0) == 30


def test_doubt_after_many_failures_and_longer_pauses_while_it_lasts() -> None:
    pace = Pace(most=4, delay_s=0)
    for _ in range(BAD_IN_A_ROW):
        assert not pace.in_doubt
        pace.ended(BAD, 0.1, 0.0)
    assert pace.in_doubt
    pace.outage(0.0)
    assert pace.paused_s(0.0) == 1.0
    pace.outage(1.0)
    assert pace.paused_s(1.0) == 2.0
    pace.is_up()
    assert not pace.in_doubt
    pace.ended(GOOD, 0.1, 3.0)
    assert pace.good_at == 3.0
