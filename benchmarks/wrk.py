"""Load from wrk (https://github.com/wg/wrk): one kept request, over and over, on so many connections."""

import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

SCRIPT = """
local file = io.open("{body}", "rb")
wrk.method, wrk.body = "POST", file:read("*a")
{headers}
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('LOAD {{"requests": %d, "us": %d, "p50_us": %.1f, "p99_us": %.1f, "errors": %d}}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.timeout + e.status))
end
"""


@dataclass(frozen=True)
class Shot:
    """The request that is sent."""

    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Load:
    """What came of it: requests a second, microseconds at the median and the 99th percentile."""

    rps: float
    p50_us: float
    p99_us: float


def need_wrk() -> None:
    """End with one line where wrk is not installed."""
    if shutil.which("wrk") is None:
        sys.exit("error: this benchmark drives its load with wrk: install it (Debian: apt install wrk)")


def drive(url: str, shot: Shot, *, connections: int, seconds: float) -> Load:
    """Send `shot` for `seconds` and count. Any error, or a status that is not 2xx, ends the benchmark."""
    with tempfile.TemporaryDirectory() as folder:
        body, script = Path(folder) / "body", Path(folder) / "post.lua"
        body.write_bytes(shot.body)
        lines = "\n".join(f'wrk.headers["{name}"] = "{value}"' for name, value in shot.headers.items())
        script.write_text(SCRIPT.format(body=body, headers=lines))
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "-s", str(script), url]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = json.loads(said.partition("LOAD ")[2])
    if found["errors"]:
        sys.exit(f"error: {found['errors']} of {found['requests']} requests to {url} failed")
    return Load(1e6 * found["requests"] / found["us"], found["p50_us"], found["p99_us"])
