"""Logs for machines: a JSON object a line on stderr, and one line for every request that ran a model."""

import logging
import sys
from datetime import UTC, datetime

import orjson

requests_log = logging.getLogger("serving.requests")
FIELDS = "fields"


class JsonLines(logging.Formatter):
    """A record as one JSON object: time, level, logger, message, further fields, a fault's traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        document = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, FIELDS, {}),
        }
        if record.exc_info:
            document["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(document, default=str).decode()


def log_as_json() -> None:
    """Write every log as JSON lines from now on, and log each request."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers = [handler]
    for name in ("serving", "serving.requests"):
        logging.getLogger(name).setLevel(logging.INFO)
