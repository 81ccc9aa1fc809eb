"""A crawl under way: what is fetched next, what becomes of each answer, and when to wait or give up."""

import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from scrapers.again import Again
from scrapers.crew import Arrival, Crew, Task
from scrapers.errors import RenderError, RobotsError, SiteDownError
from scrapers.fetch import Fetcher
from scrapers.fetched import Fetched, named
from scrapers.frontier import Frontier, Link, Outcome
from scrapers.links import identity, links, next_pages, refresh_target
from scrapers.login import Login
from scrapers.pace import Pace
from scrapers.page import Page
from scrapers.partial import Partial
from scrapers.previous import Previous, as_fetched
from scrapers.render import Renderer
from scrapers.report import Tally
from scrapers.spec import Site
from scrapers.urls import absolute
from scrapers.verdict import LOGGED_OUT, Judge
from scrapers.warc import PageWriter

MAX_REDIRECTS = 10
MAX_LOGINS_A_PAGE = 3
UNANSWERED_IN_A_ROW = 10  # then the site is down, whatever single pages are
_COMMIT_EVERY_S, _COMMIT_PAGES = 0.5, 64
_TICK_S = 1.0
_LEADS_OUT = {"off-site": "which is another host", "robots": "which robots.txt refuses"}


class Run:
    """One crawl under way."""

    def __init__(
        self,
        site: Site,
        fetcher: Fetcher,
        writer: PageWriter,
        partial: Partial,
        frontier: Frontier,
        previous: Previous,
        crew: Crew,
        pace: Pace,
        judge: Judge,
        login: Login | None,
        bar: Any,
        since: datetime | None,
    ) -> None:
        self._site, self._fetcher, self._writer, self._partial = site, fetcher, writer, partial
        self._frontier, self._previous, self._crew, self._pace = frontier, previous, crew, pace
        self._judge, self._login = judge, login
        self._bar, self._since = bar, since
        self._again = Again(retries=site.crawl.retries, backoff_s=site.crawl.backoff_s)
        self._out: Counter[int] = Counter()
        self._unanswered = 0
        self._pages = partial.resumed
        self._uncommitted, self._committed_at = 0, time.monotonic()
        self._began = time.monotonic()
        self.tally = Tally(resumed=partial.resumed)

    def fetch_and_render(self, renderer: Renderer) -> None:
        """Go on until no page is left to fetch or to draw."""
        if self._login is not None:
            self._login.enter()
        for url in self._site.start_urls:
            if self._frontier.add(url) is None and self._frontier.state(url) == "robots":
                raise RobotsError(f"{url}: expected to fetch the start page, robots.txt refuses it")
        self._bar.update(self._pages)
        while True:
            self._fetch_all()
            if not self._render_all(renderer):
                break

    def _fetch_all(self) -> None:
        while self._may_fetch() or self._again or self._crew.under_way:
            wait_s = self._start_what_may()
            arrival = self._crew.take(wait_s)
            while arrival is not None:
                self._arrived(arrival)
                arrival = self._crew.take(0.0)
            if self._pace.in_doubt and not self._crew.under_way:
                self._see_whether_up()

    def _may_fetch(self) -> bool:
        polite = self._site.crawl
        return (
            len(self._frontier) > 0
            and self._pages + self._crew.under_way + len(self._again) < polite.max_pages
            and self.tally.bytes < polite.max_total_bytes
        )

    def _start_what_may(self) -> float:
        """Start all requests that may start now; how long to wait for the next, in seconds."""
        while not self._pace.in_doubt:
            now = time.monotonic()
            if not self._crew.is_free():
                return _TICK_S
            wait_s = self._pace.wait_s(now, self._crew.younger(self._pace.slow_s, now))
            due_s = self._again.due_s(now)
            if wait_s is None:
                return self._pace.slow_s / 4
            if due_s > 0 and not self._may_fetch():
                return min(due_s, _TICK_S) if self._crew.under_way or self._again else 0.0
            if wait_s > 0:
                return min(wait_s, _TICK_S)
            link = self._again.pop() if due_s <= 0 else self._frontier.pop()
            if link is not None:
                self._start(link, now)
        return _TICK_S if self._crew.under_way else 0.0

    def _start(self, link: Link, now: float) -> None:
        left = self._partial.answer(link.url)
        if left is not None and not self._judge.judge(left[0]).transient:
            self.tally.resumed += 1
            self._read(link, self._judge.judge(left[0]), Outcome("done", start=left[1]))
            return
        known = self._previous.known(self._frontier.key(link.url))
        if known is not None and known.is_since(self._since):
            had = self._previous.read(known)
            if had is not None:
                start = self._writer.append(had[1])
                outcome = Outcome("done", start=start, size=len(had[1]), at=known.at, unchanged=True)
                self._read(link, as_fetched(had[0], Fetched(link.url)), outcome)
                return
        self._pace.started(now)
        self._crew.give(Task(link, now, known if known is not None and known.condition else None))

    def _arrived(self, arrival: Arrival) -> None:
        fetched, link, known = arrival.fetched, arrival.task.link, arrival.task.known
        self.tally.bytes += len(fetched.body)
        if fetched.error != LOGGED_OUT:
            self._pace.ended(fetched, arrival.took_s, time.monotonic())
        start = None if arrival.packed is None else self._writer.append(arrival.packed.data)
        if fetched.error == LOGGED_OUT and self._logged_in_anew(arrival.task):
            return
        if fetched.transient and self._again.take(link, fetched, time.monotonic()):
            self.tally.retries += 1
            return
        at = datetime.now(UTC).isoformat(timespec="seconds")
        retries = self._again.settle(link)
        fetched = named(replace(fetched, retries=retries)) if retries else fetched
        outcome = Outcome("done", start=start, size=arrival.packed.size if arrival.packed else None, at=at)
        if fetched.status == 304:
            had = None if known is None else self._previous.read(known)
            if had is None:
                # Without the old page the answer is of no use: ask for all of it.
                self._pace.started(time.monotonic())
                self._crew.give(Task(link, time.monotonic()))
                return
            outcome = replace(outcome, start=self._writer.append(had[1]), size=len(had[1]), unchanged=True)
            fetched = as_fetched(had[0], fetched)
        self._read(link, fetched, outcome)

    def _logged_in_anew(self, task: Task) -> bool:
        """Whether a page that came as the login page is asked for again, in a session begun since."""
        if self._login is None or self._out[task.link.id] >= MAX_LOGINS_A_PAGE:
            return False
        self._out[task.link.id] += 1
        if self._login.at <= task.began:
            self._login.enter()
        self._again.push(task.link, time.monotonic())
        return True

    def _see_whether_up(self) -> None:
        """So much has failed in a row that the start page says whether the site is up at all."""
        time.sleep(self._pace.paused_s(time.monotonic()))
        up = not self._fetcher.once(self._site.start_urls[0]).transient
        now = time.monotonic()
        if up:
            self._pace.is_up()
            return
        since = max(self._pace.good_at or 0.0, self._began)
        if now - since > self._site.crawl.patience_s:
            raise SiteDownError(
                f"{self._site.base_url}: has been down for {now - since:.0f} s, longer than patience_s: "
                "run again when it is up; the crawl goes on from here"
            )
        self._pace.outage(now)
        self._again.outage(now)

    def _read(self, link: Link, fetched: Fetched, outcome: Outcome) -> None:
        self._pages += 1
        self._bar.total = self._frontier.known
        self._bar.update()
        if not fetched.transient:
            self._again.went_well()
        self._unanswered = 0 if fetched.status else self._unanswered + 1
        outcome = replace(
            outcome,
            status=fetched.status,
            etag=fetched.header("etag"),
            modified=fetched.header("last-modified"),
            bytes=len(fetched.body),
            retries=fetched.retries,
        )
        if fetched.error:
            outcome = self._failed(link, outcome, fetched.error)
        elif fetched.location:
            outcome = self._redirected(link, outcome, fetched.location)
        elif 200 <= fetched.status < 300:
            outcome = self._read_page(
                link,
                outcome,
                Page(link.url, fetched.content, fetched.header("content-type"), self._site.html5),
            )
        else:
            outcome = self._failed(link, outcome, f"{fetched.status} {fetched.reason}".strip())
        self._frontier.settle(link, outcome)
        self._commit_now_and_then()
        if self._unanswered >= UNANSWERED_IN_A_ROW:
            raise SiteDownError(
                f"{link.url}: expected an answer, got none to {self._unanswered} pages in a row "
                f"({fetched.error}): run again when the site is up; the crawl goes on from here"
            )

    def _read_page(self, link: Link, outcome: Outcome, page: Page) -> Outcome:
        target = refresh_target(page)
        if target is not None and target != link.url:
            return self._redirected(link, outcome, target)
        stands_for = identity(page, self._site)
        seen, kind = False, self._site.pages[link.kind]
        if stands_for != self._frontier.key(link.url):
            outcome = replace(outcome, stands_for=stands_for)
            seen = self._frontier.mark_seen(stands_for)
        if kind.browser is None:
            # Also those of a duplicate: sites name page 1 as the canonical one of all pages of a list.
            self._follow(page, link)
        elif not seen:
            return replace(outcome, state="fetched")
        return outcome

    def _follow(self, page: Page, link: Link) -> None:
        kind = self._site.pages[link.kind]
        if not kind.follow:
            return
        found = links(page, kind, drop_query=self._site.crawl.drop_query)
        own = [url for url in found if self._site.kind_of(url) == link.kind]
        new = [self._frontier.add(url, parent=link) for url in found if url not in set(own)]
        parent = replace(link, barren=0 if any(new) else link.barren + 1)
        if any(new):
            own += next_pages(link.url, kind)
        for url in own:
            self._frontier.add(url, parent=parent)

    def _redirected(self, link: Link, outcome: Outcome, location: str) -> Outcome:
        target = absolute(location, link.url, drop_query=self._site.crawl.drop_query)
        if target is None:
            return self._failed(link, outcome, f"redirected to {location!r:.200}")
        if link.redirects >= MAX_REDIRECTS:
            return self._failed(link, outcome, f"over {MAX_REDIRECTS} redirects")
        self._frontier.add(target, parent=link, redirects=link.redirects + 1)
        why = _LEADS_OUT.get(self._frontier.state(target))
        if why is not None:
            return self._failed(link, outcome, f"redirected to {target:.500}, {why}")
        return replace(outcome, target=self._frontier.key(target))

    def _render_all(self, renderer: Renderer) -> bool:
        """Draw what waits for a browser; whether there was any."""
        any_drawn = False
        for link, html in renderer.render_all(self._frontier.to_render(), self._writer, self._bar):
            any_drawn = True
            if isinstance(html, RenderError):
                self._frontier.rendered(link, str(html))
            else:
                self.tally.rendered += 1
                self._follow(Page(link.url, html, "text/html; charset=utf-8", self._site.html5), link)
                self._frontier.rendered(link)
            self._commit()
        return any_drawn

    def _failed(self, link: Link, outcome: Outcome, reason: str) -> Outcome:
        if link.url in self._site.start_urls:
            raise SiteDownError(
                f"{link.url}: expected the start page, got {reason}: is the site up, are its URLs right?"
            )
        return replace(outcome, state="failed", why=reason)

    def _commit_now_and_then(self) -> None:
        self._uncommitted += 1
        if self._uncommitted >= _COMMIT_PAGES or time.monotonic() - self._committed_at > _COMMIT_EVERY_S:
            self._commit()

    def _commit(self) -> None:
        self._frontier.commit(self._writer.size)
        self._uncommitted, self._committed_at = 0, time.monotonic()
