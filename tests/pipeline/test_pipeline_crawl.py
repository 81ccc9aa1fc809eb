"""The crawl as a command: what it prints, since when, and how it fails."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.errors import InputError
from pipeline.since import since_when
from tests.scrapers.fault_site import FaultSite, answer

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("30m", datetime(2026, 11, 27, 11, 30, tzinfo=UTC)),
        ("12h", datetime(2026, 11, 27, 0, 0, tzinfo=UTC)),
        ("3d", datetime(2026, 11, 24, 12, 0, tzinfo=UTC)),
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T10:00+02:00", datetime(2026, 11, 1, 8, 0, tzinfo=UTC)),
    ],
)
def test_a_moment_in_words(text: str, moment: datetime) -> None:
    assert since_when(text, NOW) == moment


@pytest.mark.parametrize("text", ["yesterday", "3w", "", "12"])
def test_no_moment_is_said(text: str) -> None:
    with pytest.raises(InputError, match="expected 30m, 12h, 3d or a date such as 2026-11-27"):
        since_when(text, NOW)


def test_what_a_person_sees(tmp_path: Path) -> None:
    web = FaultSite(12)
    try:
        spec = tmp_path / "site.yaml"
        spec.write_text(yaml.safe_dump(web.site().model_dump(mode="json", by_alias=True, exclude_unset=True)))
        web.route("/homes/3", answer("", "410 Gone"))
        arguments = ["crawl", str(spec), str(tmp_path / "pages")]
        first = CliRunner().invoke(app, arguments)
        again = CliRunner().invoke(app, [*arguments, "--since", "1h"])
        web.route("/list?page=1", answer("", "500 Internal Server Error"))
        failed = CliRunner().invoke(app, ["crawl", str(spec), str(tmp_path / "other")])
    finally:
        web.close()
    assert (first.exit_code, again.exit_code, failed.exit_code) == (0, 0, 1)
    assert "fault: 14 pages in" in first.output
    assert f"NOT HAD {web.url}/homes/3 (home): 410 Gone" in first.output
    assert "13 unchanged since the crawl before" in again.output
    assert "an unknown number is lost" in failed.output
