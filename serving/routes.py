"""The GET routes: the Open Inference Protocol's health and metadata, and the friendly catalogue of models."""

from typing import Any

from fastapi import FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from serving import schemas
from serving.body import read_object
from serving.bundle import Bundle
from serving.card import Card
from serving.errors import BusyError
from serving.service import Service
from serving.wire import read_body, read_headers

MAX_CONTROL_BYTES = 64 * 1024

ERRORS: dict[int | str, dict[str, Any]] = {
    404: {"model": schemas.ErrorBody, "description": "No such model or version"},
    503: {"model": schemas.ErrorBody, "description": "The model is on disk but could not be loaded"},
}
ENDING: dict[str, Any] = {"model": schemas.ErrorBody, "description": "The service is ending"}
REFUSED: dict[int | str, dict[str, Any]] = {
    400: {"model": schemas.ErrorBody, "description": "The body is not what the extension knows"},
    413: {"model": schemas.ErrorBody, "description": "The body is too large"},
    415: {
        "model": schemas.ErrorBody,
        "description": "The body's encoding, or what it asks for, is not supported",
    },
}
CONTROL_ERRORS = (
    ERRORS
    | REFUSED
    | {403: {"model": schemas.ErrorBody, "description": "The service was started without --model-control"}}
)
CARD_ERRORS = ERRORS | {404: ERRORS[404] | {"description": "No such model or version, or it has no card"}}


def add_protocol(app: FastAPI, service: Service) -> None:
    """Health and metadata as the Open Inference Protocol has them."""
    tags: list[Any] = ["Open Inference Protocol V2"]

    @app.get("/v2/health/live", tags=tags, summary="Is the process up?")
    async def live() -> schemas.Live:
        return schemas.Live(live=True)

    @app.get("/v2/health/ready", tags=tags, summary="Are all loaded models ready?", responses={503: ENDING})
    async def ready() -> schemas.Ready:
        if service.draining:
            raise BusyError("the service is ending: it answers what it was asked, and takes no more")
        return schemas.Ready(ready=True)

    @app.get("/v2", tags=tags, summary="Name, version and extensions of the server")
    async def server() -> schemas.ServerMetadata:
        return service.server()

    @app.get("/v2/models/{name}", tags=tags, summary="A model's inputs and outputs", responses=ERRORS)
    async def metadata(name: str) -> schemas.ModelMetadata:
        return service.metadata(name)

    @app.get("/v2/models/{name}/ready", tags=tags, summary="Is the model ready?", responses=ERRORS)
    async def model_ready(name: str) -> schemas.ModelReady:
        return schemas.ModelReady(name=service.repository.get(name).bundle.name, ready=True)

    path = "/v2/models/{name}/versions/{version}"

    @app.get(path, tags=tags, summary="A version's inputs and outputs", responses=ERRORS)
    async def version_metadata(name: str, version: str) -> schemas.ModelMetadata:
        return service.metadata(name, version)

    @app.get(f"{path}/ready", tags=tags, summary="Is the version ready?", responses=ERRORS)
    async def version_ready(name: str, version: str) -> schemas.ModelReady:
        return schemas.ModelReady(name=service.repository.get(name, version).bundle.name, ready=True)


def add_repository(app: FastAPI, service: Service) -> None:
    """The protocol's model repository extension: what there is, and, where allowed, load and unload."""
    tags: list[Any] = ["Open Inference Protocol V2"]
    path = "/v2/repository/models/{name}"

    async def document(request: Request) -> dict[str, Any]:
        headers = read_headers(request.scope)
        return read_object(await read_body(headers, request.receive, MAX_CONTROL_BYTES) or b"")

    @app.post(
        "/v2/repository/index",
        tags=tags,
        summary="Every version found, its state and why",
        responses=REFUSED,
        openapi_extra=_takes(ready={"type": "boolean"}),
    )
    async def index(request: Request) -> list[schemas.IndexEntry]:
        return service.index(await document(request))

    @app.post(
        f"{path}/load",
        tags=tags,
        summary="Load a model anew",
        responses=CONTROL_ERRORS,
        openapi_extra=_takes(parameters={"type": "object", "maxProperties": 0}),
    )
    async def load(name: str, request: Request) -> dict[str, str]:
        await service.load(name, await document(request))
        return {}

    @app.post(
        f"{path}/unload",
        tags=tags,
        summary="Serve a model no longer",
        responses=CONTROL_ERRORS,
        openapi_extra=_takes(),
    )
    async def unload(name: str, request: Request) -> dict[str, str]:
        await document(request)
        await service.unload(name)
        return {}


def _takes(**properties: dict[str, Any]) -> dict[str, Any]:
    """A JSON object with these properties as the body, which may be left out."""
    schema = {"type": "object", "properties": properties}
    return {"requestBody": {"content": {"application/json": {"schema": schema}}}}


def add_page_url(app: FastAPI, service: Service) -> None:
    """A prediction for a page of the site that the service was started with."""
    tags: list[Any] = ["Models"]
    faults = CONTROL_ERRORS | {
        400: {
            "model": schemas.ErrorBody,
            "description": "No page of the site with records, or it cannot be had",
        },
        403: {"model": schemas.ErrorBody, "description": "The service was started without --site"},
        415: {"model": schemas.ErrorBody, "description": "The model does not read this site's fields"},
    }
    body = {"requestBody": {"required": True, "content": {"application/json": {"schema": schemas.PAGE_URL}}}}

    async def answer(name: str, version: str | None, request: Request) -> dict[str, Any]:
        headers = read_headers(request.scope)
        document = read_object(await read_body(headers, request.receive, MAX_CONTROL_BYTES) or b"")
        return await service.predict_url(name, version, document)

    said: dict[str, Any] = {"tags": tags, "responses": faults, "openapi_extra": body}

    @app.post("/models/{name}/predict-url", summary="Fetch a page, read it, predict", **said)
    async def by_default(name: str, request: Request) -> dict[str, Any]:
        return await answer(name, None, request)

    @app.post(
        "/models/{name}/versions/{version}/predict-url",
        summary="Fetch a page, read it, predict with a version",
        **said,
    )
    async def by_version(name: str, version: str, request: Request) -> dict[str, Any]:
        return await answer(name, version, request)


def add_metrics(app: FastAPI, service: Service) -> None:
    """What Prometheus reads."""

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(service.metrics_page(), media_type=CONTENT_TYPE_LATEST)


def add_catalogue(app: FastAPI, service: Service) -> None:
    """What is served, for people and pages."""
    tags: list[Any] = ["Models"]

    @app.get("/models", tags=tags, summary="Every model served, and what could not be loaded")
    async def models() -> schemas.ModelList:
        return service.models()

    @app.get("/models/{name}", tags=tags, summary="A model's fields, metrics and example", responses=ERRORS)
    async def bundle(name: str) -> Bundle:
        return service.repository.get(name).bundle

    @app.get("/models/{name}/card", tags=tags, summary="The model card", responses=CARD_ERRORS)
    async def card(name: str) -> Card:
        return service.card(name)

    @app.get("/models/{name}/drift", tags=tags, summary="How what is asked has shifted", responses=ERRORS)
    async def drift(name: str) -> schemas.DriftReport:
        return service.drifts(name)

    path = "/models/{name}/versions/{version}"

    @app.get(f"{path}/drift", tags=tags, summary="How what a version is asked has shifted", responses=ERRORS)
    async def version_drift(name: str, version: str) -> schemas.DriftReport:
        return service.drifts(name, version)

    @app.get(path, tags=tags, summary="A version's fields, metrics and example", responses=ERRORS)
    async def version_bundle(name: str, version: str) -> Bundle:
        return service.repository.get(name, version).bundle

    @app.get(f"{path}/card", tags=tags, summary="A version's model card", responses=CARD_ERRORS)
    async def version_card(name: str, version: str) -> Card:
        return service.card(name, version)
