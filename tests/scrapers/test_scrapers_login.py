"""Logging in to a real local site by its form, again when the session ends, and what is said if it fails."""

import gzip
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from scrapers.crawl import crawl
from scrapers.errors import LoginError, SpecError
from scrapers.parse import parse
from scrapers.spec import Site, load_site
from scrapers.warc import read_pages
from tests.scrapers.fault_site import FaultSite, answer

HOMES = 40
FORM = (
    "<html><body><form action=/session method=post><input type=hidden name=csrf value=t0ken>"
    "<input name=user><input type=password name=secret><select name=lang><option value=en>x</select>"
    "<input type=submit name=go value=Go></form></body></html>"
)


class Guarded(FaultSite):
    """A site whose pages only a session sees, which lasts for `lasts` pages."""

    def __init__(self, lasts: int) -> None:
        super().__init__(HOMES)
        self.lasts, self.left, self.sessions = lasts, 0, 0
        self.posted: list[dict[str, list[str]]] = []
        self.before = self._guard

    def _guard(self, sock: socket.socket, path: str, _: int) -> bool:
        head = self.heads[-1]
        if path == "/session":
            self.posted.append(parse_qs(self.body.decode()))
            right = self.posted[-1].get("secret") == ["opensesame"] and self.posted[-1].get("csrf") == [
                "t0ken"
            ]
            if right:
                self.sessions, self.left = self.sessions + 1, self.lasts
            cookie = {"Set_Cookie": f"sid=s{self.sessions}; Path=/"} if right else {}
            sock.sendall(answer("", "302 Found", Location="/welcome" if right else "/login", **cookie))
            return True
        if path == "/welcome":
            sock.sendall(answer("<p class=me>Hello</p>"))
            return True
        if path == "/login" or path == "/robots.txt":
            sock.sendall(answer(FORM if path == "/login" else ""))
            return True
        if f"sid=s{self.sessions}" in head and self.left > 0:
            self.left -= 1
            return False
        if path.endswith("7"):
            sock.sendall(answer("", "302 Found", Location="/login?next=" + path))
        else:
            sock.sendall(answer(FORM))
        return True


@pytest.fixture
def web() -> Iterator[Guarded]:
    site = Guarded(lasts=15)
    yield site
    site.close()


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_USER", "ada")
    monkeypatch.setenv("SHOP_SECRET", "opensesame")


def spec(web: Guarded, concurrency: int = 4, **login: Any) -> Site:
    plain = web.site(concurrency=concurrency).model_dump(by_alias=True, exclude_unset=True)
    form = {"page": "/login", "fields": {"user": "SHOP_USER", "secret": "SHOP_SECRET"}} | login
    return Site.model_validate(plain | {"login": form})


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_session_that_ends_is_begun_anew(web: Guarded, tmp_path: Path, concurrency: int) -> None:
    site = spec(web, concurrency)
    report = crawl(site, tmp_path, progress=False)
    records = parse(site, tmp_path / "pages.warc.gz", workers=1, progress=False).records
    assert [int(str(record["pid"])) for record in records] == list(range(HOMES))
    assert report.errors == []
    assert 3 <= web.sessions <= 4
    assert web.posted[0] == {"csrf": ["t0ken"], "user": ["ada"], "secret": ["opensesame"], "lang": ["en"]}


def test_no_session_and_no_password_is_in_the_archive(web: Guarded, tmp_path: Path) -> None:
    crawl(spec(web), tmp_path, progress=False)
    archive = gzip.decompress((tmp_path / "pages.warc.gz").read_bytes())
    assert b"opensesame" not in archive
    assert b"Cookie: sid" not in archive
    assert len(list(read_pages(tmp_path / "pages.warc.gz"))) > HOMES


def test_a_wrong_password_is_said(web: Guarded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_SECRET", "wrong")
    with pytest.raises(
        LoginError, match=r"still has .*are the credentials in SHOP_USER, SHOP_SECRET right\?"
    ):
        crawl(spec(web), tmp_path, progress=False)
    assert "/list" not in web.requests


@pytest.mark.parametrize(
    ("login", "said"),
    [
        ({"fields": {"user": "SHOP_USER", "secret": "SHOP_UNSET"}}, "variable SHOP_UNSET, which is not set"),
        ({"fields": {"name": "SHOP_USER"}}, "no field 'name', only csrf, user, secret, lang"),
        ({"form": "form.other"}, "expected a form at 'form.other', found none"),
        ({"page": "/nowhere"}, "expected the login page, got"),
        ({"logged_in": "p.you"}, "expected 'p.you' to match after the login"),
    ],
)
def test_what_is_wrong_with_a_login_is_said(web: Guarded, tmp_path: Path, login: Any, said: str) -> None:
    web.routes["/nowhere"] = lambda sock, _: sock.sendall(answer("", "404 Not Found"))
    if login.get("page"):
        web.before = lambda *_: False
    with pytest.raises(LoginError, match=said):
        crawl(spec(web, **login), tmp_path, progress=False)


def test_a_page_after_the_login_that_is_right(web: Guarded, tmp_path: Path) -> None:
    assert crawl(spec(web, logged_in="p.me"), tmp_path, progress=False).errors == []


def test_a_password_in_a_spec_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(
        "name: x\nbase_url: http://x.example\nstart: [/]\nkey: a\n"
        "login: {page: /login, fields: {secret: 'hunter 2'}}\n"
        "pages: {p: {url: ., fields: {a: {css: b, type: text}}}}"
    )
    with pytest.raises(SpecError, match="ENVIRONMENT_VARIABLE"):
        load_site(path)
