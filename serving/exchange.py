"""A request that runs a model, however it came: its id, the model that answers, its refusal, its end."""

import logging
import re
import secrets
from collections.abc import Mapping
from itertools import count
from time import perf_counter

from serving.errors import ServingError, http_status, one_line
from serving.infer_response import Answer
from serving.lane import Trace, traced
from serving.logs import FIELDS, requests_log
from serving.metrics import NOBODY
from serving.model import Model
from serving.service import Service
from serving.tracing import PARENTS
from serving.wire import Pairs, error_answer, extra_headers

log = logging.getLogger(__name__)
_ID = re.compile(r"[A-Za-z0-9._:/-]{1,128}")
_PROCESS = secrets.token_hex(4)
_numbers = count(1)
GONE = "gone"
"""The status of a request whose client left before its answer."""


class Exchange:
    """One request; it begins when this is made. Its id is the client's, where that is one, or a new one."""

    __slots__ = ("began", "identity", "key", "model", "parents", "path", "protocol", "service", "trace")

    def __init__(self, service: Service, protocol: str, path: str, given_id: str) -> None:
        self.began = perf_counter()
        self.service, self.protocol, self.path = service, protocol, path
        self.identity = given_id if _ID.fullmatch(given_id) else f"{_PROCESS}-{next(_numbers)}"
        self.model: Model | None = None
        self.key = ""
        self.parents: Mapping[str, str] = {}
        self.trace: Trace | None = None

    def follow(self, headers: Mapping[str, str]) -> None:
        """Where traces are made, make one of this request, as a part of its client's if it has one."""
        if self.service.tracing is not None:
            self.parents = {name: headers[name] for name in PARENTS if name in headers}
            self.trace = Trace()
            traced.set(self.trace)

    def admit(self, authorization: str, api_key: str) -> None:
        """Note whose key was sent, where the service asks for one. Raises UnauthorizedError."""
        if self.service.keys is not None:
            self.key = self.service.keys.name(authorization, api_key)

    def find(self, name: str, version: str | None) -> Model:
        """The model that answers; what is counted is counted for it. Raises NotFoundError, BundleError."""
        self.model = self.service.choose(name, version, self.identity)
        return self.model

    def refusal(self, error: Exception) -> tuple[Answer, Pairs]:
        """The error as every route has it; call it where `error` is caught."""
        if isinstance(error, ServingError):
            return error_answer(http_status(error), one_line(error)), extra_headers(error)
        log.error(
            "%s, request %s, failed: %s", self.path[:200], self.identity, one_line(error), exc_info=error
        )
        return error_answer(500, f"internal error; the service's log has the cause of {self.identity}"), ()

    def end(self, status: str) -> None:
        """Count and log it."""
        seconds = perf_counter() - self.began
        who = NOBODY if self.model is None else self.model.label
        self.service.gatherer.metrics.answered(who, self.protocol, status, seconds)
        if self.service.tracing is not None and self.trace is not None:
            about = {
                "millrace.model": who[0],
                "millrace.version": who[1],
                "millrace.request": self.identity,
                "millrace.protocol": self.protocol,
                "millrace.status": status,
            }
            name = f"{self.protocol} {self.path}"
            self.service.tracing.record(name, self.parents, self.trace, seconds, about)
        if requests_log.isEnabledFor(logging.INFO):
            fields = {
                "request": self.identity,
                "protocol": self.protocol,
                "path": self.path,
                "status": status,
                "seconds": round(seconds, 6),
            }
            if self.key:
                fields["key"] = self.key
            requests_log.info("request", extra={FIELDS: fields})
