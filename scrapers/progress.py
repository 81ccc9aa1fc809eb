"""Progress bars; the library that draws them is imported where one is drawn: it takes longer than a page."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any


class NoBar:
    """What is counted where nobody looks."""

    disable = True
    total: float | None = None

    def update(self, _: float = 1) -> None:
        """Count."""


def bar(what: str, unit: str, *, shown: bool, **options: Any) -> AbstractContextManager[Any]:
    """A bar on standard error, gone when the work is done; it has `total`, `disable` and `update(by=1)`."""
    if not shown:
        return nullcontext(NoBar())
    from tqdm import tqdm

    made: AbstractContextManager[Any] = tqdm(desc=what, unit=unit, leave=False, **options)
    return made
