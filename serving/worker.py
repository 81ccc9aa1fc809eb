"""One of several processes that share a port: `python -m serving.worker FOLDER`, as workers.py starts it.

Its options come as the first line of its input, which stays open as long as who started it lives. It answers
with one line: {"ready": greeting}, or {"error": text}.
"""

import json
import shutil
import sys
from pathlib import Path

from serving.errors import ServingError
from serving.options import Options
from serving.run import answer


def main(counts: Path) -> None:
    """Serve until told to end, or until who started this has ended."""
    options = Options.from_json(sys.stdin.buffer.readline())
    try:
        answer(options, lambda text: _tell("ready", text), counts=counts, parent=sys.stdin.fileno())
    except ServingError as error:
        _tell("error", str(error))
        sys.exit(1)
    # A signal ends the process before this line: here the parent was killed, and cannot clean up.
    shutil.rmtree(counts, ignore_errors=True)


def _tell(what: str, text: str) -> None:
    sys.stdout.write(json.dumps({what: text}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
