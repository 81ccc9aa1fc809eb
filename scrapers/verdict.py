"""Whether an answer that looks like a page is one: no other kind of file, no challenge, no login page."""

import re
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urljoin

from scrapers.fetched import Fetched
from scrapers.page import Page
from scrapers.spec import LoginForm, Site
from scrapers.urls import absolute

LOGGED_OUT = "expected a page, got the login page"

_MAGIC = {
    b"%PDF-": "a PDF",
    b"\x89PNG\r\n": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"PK\x03\x04": "a ZIP archive",
}
_TITLE = re.compile(rb"<title[^>]*>(.{0,200}?)</title", re.IGNORECASE | re.DOTALL)
_HEAD_BYTES = 8192
_CHALLENGES = re.compile(
    rb"checking your browser|just a moment|attention required|verify(ing)? (that )?you are (a )?human"
    rb"|are you a robot|unusual traffic|pardon our interruption|ddos protection",
    re.IGNORECASE,
)
_SMALL_BYTES = 64 * 1024  # of a page whose heading alone may be the challenge
_HEADING = re.compile(rb"<h1[^>]*>(.{0,300}?)</h1", re.IGNORECASE | re.DOTALL)


class Judge:
    """Tells the pages of a site from what else comes as 200."""

    def __init__(self, site: Site) -> None:
        self._blocked = site.crawl.blocked
        self._login = site.login
        self._login_url = None if site.login is None else urljoin(site.base_url + "/", site.login.page)

    def judge(self, fetched: Fetched) -> Fetched:
        """The answer; with an error when it is no page, which another try may better or not."""
        if fetched.error:
            return fetched
        if fetched.location and self._login_url is not None:
            target = absolute(fetched.location, fetched.url) or ""
            if target.partition("?")[0] == self._login_url.partition("?")[0]:
                return replace(fetched, error=LOGGED_OUT, transient=True)
        if fetched.status != 200:
            return fetched
        problem = self.why_no_page(Page(fetched.url, fetched.content, fetched.header("content-type")))
        again = problem == LOGGED_OUT or "challenge" in problem
        return replace(fetched, error=problem, transient=again) if problem else fetched

    def why_no_page(self, page: Page) -> str:
        """Why a page is none of the site's; empty when it is one."""
        if not page.content:
            return "an empty body"
        kind = next((name for magic, name in _MAGIC.items() if page.content.startswith(magic)), None)
        if kind is not None:
            return f"expected a page, got {kind}"
        said = _challenge(page.content, self._blocked)
        if said:
            return f"expected a page, got a challenge to the crawler ({said!r})"
        return LOGGED_OUT if self._is_logged_out(page) else ""

    def _is_logged_out(self, page: Page) -> bool:
        if self._login is None or page.url == self._login_url:
            return False
        # Parsing a page for this alone would double the cost of a crawl.
        hinted = self._login.logged_out != LoginForm.model_fields["logged_out"].default
        return (hinted or b"password" in page.content) and page.soup.select_one(
            self._login.logged_out
        ) is not None


def _challenge(content: bytes, blocked: Sequence[str]) -> str:
    """The text by which a page turns a crawler away; empty when it does not."""
    head = content[:_HEAD_BYTES]
    places = [_TITLE.search(head), _HEADING.search(head) if len(content) < _SMALL_BYTES else None]
    found = next((hit for place in places if place and (hit := _CHALLENGES.search(place[1]))), None)
    if found is not None:
        return found[0].decode("ascii", "replace")
    text = content[:_SMALL_BYTES].decode("utf-8", "replace") if blocked else ""
    return next((match[0] for pattern in blocked if (match := re.search(pattern, text))), "")
