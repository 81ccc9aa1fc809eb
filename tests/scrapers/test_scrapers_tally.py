"""What is counted of pages is what the pages said, whatever the order they come in."""

from collections import Counter
from itertools import permutations

from scrapers.fields import Value
from scrapers.records import PageRecords, Rejected
from scrapers.shelf import Shelf
from scrapers.tally import KindTally, Place


def page(url: str, *prices: Value, rejected: bool = False) -> PageRecords:
    records = [{"key": f"{url}{at}", "price": price, "url": url} for at, price in enumerate(prices)]
    matched = Counter(key=len(prices), price=sum(price is not None for price in prices) + rejected)
    refused = [Rejected(url, "home", "price", "dear", f"why at {url}")] if rejected else []
    return PageRecords(url, url, "home", records, matched, refused)


PAGES = [page("/b", None, rejected=True), page("/a", 2.0, None), page("/c", 2.0), page("/d")]


def tally(pages: list[PageRecords]) -> tuple[KindTally, Shelf]:
    kept, shelf = KindTally(["key", "price"], 0), Shelf([["key", "price", "url"]])
    for each in pages:
        kept.add(each, shelf)
    return kept, shelf


def test_counts() -> None:
    kept, _ = tally(PAGES)
    price = kept.fields["price"]
    assert (kept.records, len(kept.places), len(kept.read)) == (4, 4, 3)
    assert (price.matched, price.filled, price.rejected, price.distinct) == (3, 2, 1, 1)
    assert kept.fields["key"].distinct == 4
    assert list(price.there) == [1, 1, 1]


def test_examples_are_those_of_the_smallest_url_in_any_order() -> None:
    for pages in permutations(PAGES):
        kept, shelf = tally(list(pages))
        price = kept.fields["price"]
        assert price.without == Place("/a", "/a")
        assert price.refused is not None
        assert price.refused[1].why == "why at /b"
        assert [shelf[at]["url"] for at in kept.in_order()] == ["/a", "/a", "/b", "/c"]


def test_the_last_page_without_a_value_is_that_of_the_crawl() -> None:
    assert tally(PAGES)[0].fields["price"].last_without == Place("/a", "/a")
    assert tally(PAGES[::-1])[0].fields["price"].last_without == Place("/b", "/b")
