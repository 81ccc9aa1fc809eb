"""The moment from which on pages are not asked for again."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from pipeline.errors import InputError

Since = Annotated[
    str | None,
    typer.Option(help="Do not ask again for pages had since then: 30m, 12h, 3d, or a date (ISO 8601, UTC)."),
]
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def since_when(text: str | None, now: datetime) -> datetime | None:
    """The moment that `--since` names, None without it. Raises InputError when it names none."""
    if text is None:
        return None
    ago = re.fullmatch(r"(\d{1,6})([mhd])", text)
    if ago is not None:
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            f"--since: expected 30m, 12h, 3d or a date such as {now:%Y-%m-%d}, got {text!r}"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
