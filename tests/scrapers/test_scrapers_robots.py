"""robots.txt is obeyed as RFC 9309 has it."""

import pytest

from scrapers.robots import read_robots

RULES = b"""\xef\xbb\xbfUser-agent: *
Disallow: /private/
Allow: /private/open$
Crawl-delay: 0.5

User-agent: millrace
User-agent: other
Disallow: /
Allow: /public*.html
Crawl-delay: 2
"""
AGENT = "millrace/0.1 (+mailto:you@example.org)"


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/", False),
        ("/private/x", False),
        ("/public.html", True),
        ("/public/a.html", True),
        ("/public.txt", False),
    ],
)
def test_the_group_of_this_agent_counts(path: str, allowed: bool) -> None:
    robots = read_robots(200, RULES, AGENT)
    assert robots.allows(f"http://x.example{path}") is allowed
    assert robots.delay_s == 2.0


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("/", True), ("/private/x", False), ("/private/open", True), ("/private/open2", False)],
)
def test_others_fall_to_the_star_and_the_longest_match_wins(path: str, allowed: bool) -> None:
    robots = read_robots(200, RULES, "someone/1.0")
    assert robots.allows(f"http://x.example{path}") is allowed
    assert robots.delay_s == 0.5


@pytest.mark.parametrize(
    ("status", "allowed"), [(404, True), (403, True), (301, True), (500, False), (503, False), (429, False)]
)
def test_no_file_allows_all_and_a_broken_server_nothing(status: int, allowed: bool) -> None:
    assert read_robots(status, b"User-agent: *\nDisallow: /", AGENT).allows("http://x.example/a") is allowed
