"""Logging in by a form: its hidden fields (CSRF tokens) kept, credentials from the environment."""

import os
import time
from urllib.parse import urljoin

from bs4 import Tag

from scrapers.errors import LoginError
from scrapers.fetch import Fetcher
from scrapers.fetched import Fetched
from scrapers.page import Page
from scrapers.spec import LoginForm, Site
from scrapers.urls import absolute, same_host

_UNSENT_TYPES = {"submit", "button", "image", "reset", "file"}
MAX_REDIRECTS = 5


class Login:
    """A session with a site. `at` is when the last login was (monotonic clock, seconds)."""

    def __init__(self, site: Site, form: LoginForm, fetcher: Fetcher) -> None:
        self._site, self._form, self._fetcher = site, form, fetcher
        self.at = 0.0
        self.count = 0

    def enter(self) -> None:
        """Log in. Raises LoginError: no credentials, no such form, or the site does not let us in."""
        values = self._credentials()
        url = urljoin(self._site.base_url + "/", self._form.page)
        shown = self._page(self._fetcher.follow(url), f"{url}: expected the login page")
        action, sent = self._filled(shown, values)
        landed = self._follow(self._fetcher.post(action, sent))
        page = self._page(landed, f"{action}: expected a page after the login")
        problem = self._refused(page)
        if problem:
            raise LoginError(f"{action}: {problem}: are the credentials in {self._variables} right?")
        self.at, self.count = time.monotonic(), self.count + 1

    @property
    def _variables(self) -> str:
        return ", ".join(self._form.fields.values())

    def _credentials(self) -> dict[str, str]:
        missing = [variable for variable in self._form.fields.values() if variable not in os.environ]
        if missing:
            raise LoginError(
                f"login: expected the environment variable {missing[0]}, which is not set: "
                f"{self._site.name} is crawled with a login; set {self._variables}"
            )
        return {name: os.environ[variable] for name, variable in self._form.fields.items()}

    def _filled(self, page: Page, values: dict[str, str]) -> tuple[str, dict[str, str]]:
        """Where the form goes, and what is sent: its own values with ours in their places."""
        form = next((each for each in page.soup.select(self._form.form) if each.name == "form"), None)
        if form is None:
            raise LoginError(
                f"{page.url}: expected a form at {self._form.form!r}, found none: mend login.form"
            )
        sent = {
            str(field["name"]): _value(field)
            for field in form.find_all(["input", "textarea", "select"])
            if field.get("name") and str(field.get("type", "")).lower() not in _UNSENT_TYPES
        }
        unknown = [name for name in values if name not in sent]
        if unknown:
            raise LoginError(
                f"{page.url}: the form has no field {unknown[0]!r}, only {', '.join(sent)}: mend login.fields"
            )
        action = absolute(str(form.get("action") or page.url), page.base_url)
        if action is None or not same_host(action, self._site.base_url):
            raise LoginError(
                f"{page.url}: the form leads to {action}: credentials go to {self._site.base_url} only"
            )
        return action, sent | values

    def _follow(self, fetched: Fetched) -> Fetched:
        for _ in range(MAX_REDIRECTS):
            target = absolute(fetched.location, fetched.url) if fetched.location else None
            if target is None or not same_host(target, self._site.base_url):
                break
            fetched = self._fetcher.get(target)
        return fetched

    def _page(self, fetched: Fetched, expected: str) -> Page:
        if fetched.error or not 200 <= fetched.status < 300:
            raise LoginError(f"{expected}, got {fetched.error or fetched.status}")
        return Page(fetched.url, fetched.content, fetched.header("content-type"))

    def _refused(self, page: Page) -> str:
        """Why the page after the login says that we are not in; empty when we are."""
        if self._form.logged_in is not None and not page.soup.select(self._form.logged_in):
            return f"expected {self._form.logged_in!r} to match after the login, it does not"
        if self._form.logged_in is None and page.soup.select(self._form.logged_out):
            return f"the page after the login still has {self._form.logged_out!r}"
        return ""


def _value(field: Tag) -> str:
    """What a browser would send for a field that nobody has touched."""
    if field.name == "textarea":
        return field.get_text()
    if field.name == "select":
        chosen = field.select_one("option[selected]") or field.select_one("option")
        return "" if chosen is None else str(chosen.get("value", chosen.get_text()))
    return str(field.get("value", ""))
