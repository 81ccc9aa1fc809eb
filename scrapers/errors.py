"""Everything that can go wrong in this room: one root, each message one line that says what to do."""


class ScrapeError(Exception):
    """The root of the room's errors."""


class SpecError(ScrapeError):
    """A site spec that cannot be used: names the file, the key path and what was expected."""


class SiteDownError(ScrapeError):
    """The site, or its own local server, does not answer."""


class PortTakenError(ScrapeError):
    """Another process listens where the spec's local server should."""


class ServerError(ScrapeError):
    """The spec's local server could not be started or ended early."""


class RobotsError(ScrapeError):
    """robots.txt refuses what the spec asks for."""


class BrowserError(ScrapeError):
    """No browser can be had, or none of the pages becomes what the spec waits for."""


class RenderError(ScrapeError):
    """One page did not become in the browser what the spec waits for."""


class LoginError(ScrapeError):
    """The site does not let us log in as the spec says."""


class LostPagesError(ScrapeError):
    """The crawl ended without pages that the spec demands."""


class WarcError(ScrapeError):
    """A WARC file that is missing or cannot be read."""


class CountError(ScrapeError):
    """More or fewer records than the spec expects."""


class SelectorError(ScrapeError):
    """A selector that matches nothing where the spec says there is something."""


class FieldError(ScrapeError):
    """A field whose texts are not of the type that the spec names."""
