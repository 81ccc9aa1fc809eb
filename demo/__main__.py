"""Run the embedded site: python -m demo --port 8137."""

import argparse
import sys

from demo.routes import Routes
from demo.sales import TOTAL, read_homes
from demo.server import Server
from demo.site import Site


def main() -> int:
    """Serve until stopped; 1 and a line on stderr when the port cannot be had."""
    parser = argparse.ArgumentParser(prog="python -m demo", description="A listing site of house sales.")
    parser.add_argument("--port", type=int, default=8137, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--limit", type=_limit, default=TOTAL, help="show only so many homes")
    options = parser.parse_args()
    try:
        server = Server(options.port)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        print(
            f"demo: expected to listen on 127.0.0.1:{options.port}, got: {reason}; "
            "free the port or name another with --port",
            file=sys.stderr,
        )
        return 1
    print(f"Listening on {server.url}", flush=True)
    server.serve(Routes(Site(read_homes(options.limit), server.url)).answer)
    return 0


def _limit(text: str) -> int:
    number = int(text)
    if not 1 <= number <= TOTAL:
        raise argparse.ArgumentTypeError(f"expected 1 to {TOTAL} homes, got {number}")
    return number


if __name__ == "__main__":
    sys.exit(main())
