"""The HTTP application: every route, the limits and the error answers around a Service."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import JSONResponse

from serving.drift import Drift
from serving.errors import ServingError, http_status, one_line
from serving.front import FREE, Front
from serving.gather import Gatherer
from serving.keys import Keys
from serving.lane import Limits
from serving.metrics import WRITE_S, Metrics
from serving.model import Model
from serving.openapi import describe
from serving.options import MAX_BODY_BYTES, MAX_ROWS, WATCH_S
from serving.packing import LEVEL, SHORT_BYTES
from serving.page_url import Pages
from serving.pages import add_pages
from serving.repository import Repository
from serving.routes import add_catalogue, add_metrics, add_page_url, add_protocol, add_repository
from serving.service import Service
from serving.tracing import Tracing
from serving.traffic import Traffic
from serving.version import own_version

log = logging.getLogger(__name__)
LOOK_S = 1.0


def create_app(
    repository: Repository,
    *,
    max_body_bytes: int = MAX_BODY_BYTES,
    max_rows: int = MAX_ROWS,
    limits: Limits | None = None,
    watch_s: float = WATCH_S,
    control: bool = False,
    counts: Path | None = None,
    keys: Keys | None = None,
    open_metrics: bool = False,
    traffic: Traffic | None = None,
    tracing: Tracing | None = None,
    pages: Pages | None = None,
) -> Front:
    """The application that serves `repository`; a body or a number of rows over its limit is answered 413.

    Every `watch_s` seconds it looks for changed models (0: never); `control` lets clients load and unload.
    `counts` is the folder in which processes that share a port add up what they count.
    With `keys` every route but health and the bare pages asks for one; /metrics does not with `open_metrics`.
    `traffic` has the shares of canaries and shadows, `tracing` takes a span a request,
    `pages` fetches those of a site whose URL is sent.
    """
    gatherer = Gatherer(limits or Limits(), Metrics(counts))
    if traffic is not None:
        repository.withheld = traffic.withheld()
        gatherer.shadow_of = partial(_shadow_of, repository, traffic)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        work = (
            _look(repository, service.drift),
            _watch(repository, traffic, keys, watch_s),
            _write(gatherer, counts),
        )
        running = [asyncio.ensure_future(each) for each in work]
        yield
        for each in running:
            each.cancel()
        await _close(service)

    app = FastAPI(
        title="Millrace",
        version=own_version(),
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    service = Service(
        repository, gatherer, max_rows=max_rows, control=control, keys=keys, traffic=traffic, tracing=tracing,
        pages=pages,
    )  # fmt: skip
    for add in (add_protocol, add_repository, add_catalogue, add_page_url, add_metrics, _add_document):
        add(app, service)
    add_pages(app)
    _add_errors(app)
    packed = GZipMiddleware(app, minimum_size=SHORT_BYTES, compresslevel=LEVEL)
    return Front(service, packed, max_body_bytes, FREE | {"/metrics"} if open_metrics else FREE)


async def _close(service: Service) -> None:
    """End what the service has begun, when its work is done."""
    service.gatherer.close()
    service.gatherer.metrics.write({})
    if service.pages is not None:
        service.pages.close()
    if service.tracing is not None:
        await asyncio.to_thread(service.tracing.close)


def _shadow_of(repository: Repository, traffic: Traffic, model: Model) -> Model | None:
    """The version that gets a copy of a request to `model`; a canary and a shadow have none."""
    name, version = model.bundle.name, model.bundle.version
    if version in repository.withheld.get(name, ()):
        return None
    shadow = traffic.shadow(name)
    return None if shadow in (None, version) else repository.models.get(name, {}).get(shadow)


async def _look(repository: Repository, drift: Drift) -> None:
    """Look again and again at what is asked; what goes wrong in a look is logged, and the next is made."""
    while True:
        await asyncio.sleep(LOOK_S)
        models = [model for versions in repository.models.values() for model in versions.values()]
        try:
            await asyncio.to_thread(drift.look, models)
        except Exception as error:
            log.exception("looking at what is asked failed: %s", one_line(error))


async def _write(gatherer: Gatherer, counts: Path | None) -> None:
    """Let the other processes know what was counted, again and again."""
    while counts is not None:
        await asyncio.sleep(WRITE_S)
        gatherer.metrics.write(gatherer.waiting())


async def _watch(repository: Repository, traffic: Traffic | None, keys: Keys | None, every_s: float) -> None:
    """Look for changed models, keys and traffic again and again; a look that goes wrong is logged."""
    while every_s:
        await asyncio.sleep(every_s)
        try:
            await asyncio.to_thread(repository.refresh)
            if keys is not None:
                keys.refresh()
            if traffic is not None:
                traffic.refresh()
                repository.withheld = traffic.withheld()
        except Exception as error:
            log.exception("looking for changed models failed: %s", one_line(error))


def _add_document(app: FastAPI, service: Service) -> None:
    """Describe the models when first asked and when they have changed: it takes far longer than an answer."""
    described, repository = -1, service.repository

    def document() -> dict[str, Any]:
        nonlocal described
        if app.openapi_schema is None or described != repository.generation:
            described = repository.generation
            keyed = service.keys is not None
            app.openapi_schema = describe(app, repository, max_rows=service.max_rows, keyed=keyed)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _add_errors(app: FastAPI) -> None:
    """Every error is answered as {"error": text}; FastAPI's own {"detail": ...} breaks protocol clients."""

    @app.exception_handler(ServingError)
    async def refused(_: Request, error: ServingError) -> JSONResponse:
        return _error(http_status(error), one_line(error))

    @app.exception_handler(HTTPException)
    async def no_route(request: Request, error: HTTPException) -> JSONResponse:
        text = f"{error.detail}: {request.method} {request.url.path[:200]}; /docs lists what there is"
        return _error(error.status_code, text, dict(error.headers or {}))

    @app.exception_handler(RequestValidationError)
    async def not_valid(_: Request, error: RequestValidationError) -> JSONResponse:
        return _error(400, one_line(error))

    @app.exception_handler(Exception)
    async def broken(request: Request, error: Exception) -> JSONResponse:
        log.error("%s %s failed: %s", request.method, request.url.path, one_line(error))
        return _error(500, "internal error; the service's log has the cause")


def _error(status: int, text: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """An error answer."""
    return JSONResponse({"error": text}, status, headers)
