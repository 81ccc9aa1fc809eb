"""CSS on lxml's tree selects what soupsieve selects on BeautifulSoup's; XPath from its anchor the same."""

from typing import Any

import pytest
import soupsieve
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from scrapers.css import compile_css
from scrapers.page import Page
from scrapers.texts import text_of
from scrapers.xpath import compile_xpath

NAMES = ("div", "p", "b", "ul", "li", "table", "tr", "td", "section")
CLASSES = ("x", "y", "x y", "Y", "z\u00a0x", " x\n y ")
IDS = ("i", "j", "I")
VALUES = ("a", "A", "a b", "ab", "b-a", "")

names, words = st.sampled_from(NAMES), st.sampled_from(("x", "y", "Y"))


@st.composite
def trees(draw: Any) -> str:
    """HTML, not always well nested, whose elements are numbered."""
    parts: list[str] = []
    for number in range(draw(st.integers(1, 14))):
        name = draw(names)
        given_class = f' class="{draw(st.sampled_from(CLASSES))}"' if draw(st.booleans()) else ""
        given_id = f" id={draw(st.sampled_from(IDS))}" if draw(st.integers(0, 3)) == 0 else ""
        value = f' data-v="{draw(st.sampled_from(VALUES))}"' if draw(st.integers(0, 2)) == 0 else ""
        parts.append(f"<{name} n={number}{given_class}{given_id}{value}>t{number}")
        ends = st.sampled_from(("", f"</{name}>", "</div>", "<!-- c -->", "<script>s</script>"))
        parts += draw(st.lists(ends, max_size=2))
    return "".join(parts)


attributes = st.one_of(
    st.just("[data-v]"),
    st.builds(
        "[data-v{}='{}'{}]".format,
        st.sampled_from(("", "~", "|", "^", "$", "*", "!")),
        st.sampled_from(("a", "b", "A")),
        st.sampled_from(("", " i")),
    ),
)
places = st.sampled_from(
    (
        ":first-child",
        ":last-child",
        ":nth-child(2)",
        ":nth-child(2n+1)",
        ":nth-child(-n+2)",
        ":nth-of-type(2)",
        ":nth-last-child(2)",
        ":only-child",
        ":first-of-type",
        ":not(.x)",
        ":is(.x, p)",
        ":not(b > p)",
    )
)
compounds = st.one_of(
    names,
    st.builds("{}.{}".format, names, words),
    st.builds(".{}".format, words),
    st.builds("#{}".format, st.sampled_from(IDS)),
    st.builds("{}{}".format, names, attributes),
    st.builds("{}{}".format, names, places),
    st.builds(".{}{}".format, words, places),
    st.just("*"),
)
selectors = st.one_of(
    compounds,
    st.builds("{}{}{}".format, compounds, st.sampled_from((" ", " > ", " + ", " ~ ")), compounds),
    st.builds("{} {} > {}".format, compounds, compounds, compounds),
    st.builds("{}, {}".format, compounds, compounds),
)


@pytest.mark.slow
@settings(max_examples=600, deadline=None, derandomize=True)
@given(html=trees(), css=selectors)
def test_the_same_elements_in_the_same_order(html: str, css: str) -> None:
    page, compiled = Page("http://x.example/", html.encode()), compile_css(css)
    assert compiled is not None, css
    expected = soupsieve.select(css, page.soup)
    found = list(compiled.select(page.index))
    assert [(each.name, each.get("n")) for each in expected] == [(each.tag, each.get("n")) for each in found]
    assert [text_of(each, None) for each in expected] == [text_of(each, None) for each in found]
    first = compiled.first(page.index)
    assert (None if first is None else first.get("n")) == (found[0].get("n") if found else None)


@pytest.mark.parametrize(
    "css",
    [
        "p:has(a)",
        "p:-soup-contains('x')",
        ":root",
        "svg|a",
        ":scope > a",
        "p:lang(en)",
        "a:any-link",
        "b:empty",
    ],
)
def test_what_is_left_to_beautifulsoup(css: str) -> None:
    assert compile_css(css) is None


paths = st.builds(
    "//{}[@{}='{}']{}".format,
    st.one_of(names, st.just("*")),
    st.sampled_from(("id", "class")),
    st.sampled_from(("i", "x", "y", "x y")),
    st.sampled_from(
        (
            "",
            "/b",
            "//p",
            "//p[1]",
            "//p/b[2]",
            "/following-sibling::*",
            "//p/@n",
            "//text()",
            "/..",
            "[1]//b",
            "//p | //b",
        )
    ),
)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(html=trees(), xpath=paths)
def test_from_its_anchor_an_expression_finds_the_same(html: str, xpath: str) -> None:
    page = Page("http://x.example/", html.encode())
    assert compile_xpath(xpath)(page.tree, page.index) == etree.XPath(xpath)(page.tree)


@pytest.mark.parametrize(
    "xpath", ["//p[@id='i']//b = 'x'", "count(//p[@id='i']//b)", "//p[@id='i']/b + 1", "string(//p[@id='i'])"]
)
def test_expressions_that_compute_are_whole(xpath: str) -> None:
    page = Page("http://x.example/", b"<p id=i><b>x</b></p>")
    assert compile_xpath(xpath)(page.tree, page.index) in (
        etree.XPath(xpath)(page.tree),
        pytest.approx(float("nan"), nan_ok=True),
    )
