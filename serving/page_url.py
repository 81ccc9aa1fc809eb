"""A prediction from a pasted URL: the one module here that knows the scrapers, and only when asked to."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from serving.bundle import Bundle
from serving.errors import InvalidInputError, StartError, UnsupportedError


class Pages:
    """Reads pages of the site whose spec the service was started with, a few at a time.

    Raises StartError when the spec cannot be used, or the scrapers' packages are not installed.
    """

    def __init__(self, spec: Path, at_once: int = 4) -> None:
        try:
            from scrapers.errors import ScrapeError
            from scrapers.live import LivePages
        except ModuleNotFoundError as error:
            raise StartError(f"--site needs {error.name}: pip install 'millrace[serve,scrape]'") from None
        self._failure: type[Exception] = ScrapeError
        try:
            self._pages = LivePages(spec)
        except ScrapeError as error:
            raise StartError(str(error)) from None
        self._free = asyncio.Semaphore(at_once)

    @property
    def home(self) -> str:
        """The site's address."""
        return str(self._pages.site.base_url)

    async def read(self, url: object, bundle: Bundle) -> list[dict[str, Any]]:
        """The records of a page as the model takes them. Raises InvalidInputError saying what is wrong."""
        if not isinstance(url, str) or not url.startswith(("http://", "https://")) or len(url) > 2048:
            raise InvalidInputError(
                f"url must be an http(s) URL of at most 2,048 characters, got {str(url)[:80]!r}"
            )
        async with self._free:
            try:
                records = await asyncio.to_thread(self._pages.read, url)
            except self._failure as error:
                raise InvalidInputError(str(error)) from None
        return [_as_taken(record, bundle) for record in records]

    def close(self) -> None:
        """Close the connections."""
        self._pages.close()


def _as_taken(record: Mapping[str, Any], bundle: Bundle) -> dict[str, Any]:
    """The fields of a record that are inputs of the model. Raises UnsupportedError when there are none."""
    shared = {name: record[name] for name in bundle.inputs_by_name if name in record}
    if not shared:
        raise UnsupportedError(f"{bundle.name} reads none of the fields of the page: it is not of this site")
    return {name: str(value).lower() if isinstance(value, bool) else value for name, value in shared.items()}
