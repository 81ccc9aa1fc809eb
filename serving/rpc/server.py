"""The gRPC server: the protocol's methods, answered by the service that answers HTTP."""

import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from grpc import StatusCode

from serving.errors import (
    BundleError,
    BusyError,
    DeadlineError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    ServingError,
    StartError,
    TooLargeError,
    UnauthorizedError,
    UnsupportedError,
    one_line,
)
from serving.exchange import Exchange
from serving.rpc.convert import read_message, write_message
from serving.rpc.messages import SERVICE, message, methods
from serving.service import Service

log = logging.getLogger(__name__)

CODES: dict[type[ServingError], StatusCode] = {
    InvalidInputError: StatusCode.INVALID_ARGUMENT,
    TooLargeError: StatusCode.INVALID_ARGUMENT,
    UnauthorizedError: StatusCode.UNAUTHENTICATED,
    ForbiddenError: StatusCode.PERMISSION_DENIED,
    NotFoundError: StatusCode.NOT_FOUND,
    UnsupportedError: StatusCode.UNIMPLEMENTED,
    DeadlineError: StatusCode.DEADLINE_EXCEEDED,
    BusyError: StatusCode.UNAVAILABLE,
    BundleError: StatusCode.UNAVAILABLE,
    ServingError: StatusCode.INTERNAL,
}

FREE = frozenset(["server_live", "server_ready"])
"""What needs no key where keys are asked for."""


async def start_rpc(
    service: Service, host: str, port: int, *, max_bytes: int, shared: bool = False
) -> tuple[Any, int]:
    """A started server on `host`, and its port (0 takes a free one); `shared` leaves it to others too.

    Raises StartError when the port is taken.
    """
    options = [("grpc.max_receive_message_length", max_bytes), ("grpc.so_reuseport", int(shared))]
    server = grpc.aio.server(options=options)
    answers = Answers(service)
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(
            guarded(getattr(answers, _snake(name)), service), takes.FromString, gives.SerializeToString
        )
        for name, takes, gives in methods()
    }
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, handlers)])
    try:
        taken = server.add_insecure_port(f"{f'[{host}]' if ':' in host else host}:{port}")
    except RuntimeError as error:
        raise StartError(f"cannot listen for gRPC on {host} port {port}: {one_line(error)}") from None
    await server.start()
    return server, taken


def _snake(name: str) -> str:
    """ModelInfer -> model_infer."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def guarded(
    method: Callable[[Any, Exchange], Awaitable[Any]], service: Service
) -> Callable[[Any, Any], Awaitable[Any]]:
    """A method whose ServingErrors end the call with the status of their kind; runs are counted."""

    async def answer(request: Any, context: Any) -> Any:
        given = {name: str(value) for name, value in context.invocation_metadata() or ()}
        exchange = Exchange(service, "grpc", method.__name__, given.get("x-request-id", ""))
        exchange.follow(given)
        code, text = StatusCode.OK, ""
        try:
            if method.__name__ not in FREE:
                exchange.admit(given.get("authorization", ""), given.get("x-api-key", ""))
            return await method(request, exchange)
        except ServingError as error:
            code = next(CODES[kind] for kind in type(error).__mro__ if kind in CODES)
            text = one_line(error)
        except Exception as error:
            log.exception("gRPC %s failed: %s", method.__name__, one_line(error))
            code, text = StatusCode.INTERNAL, "internal error; the service's log has the cause"
        finally:
            if method.__name__ == "model_infer":
                exchange.end(code.name.lower())
        return await context.abort(code, text)

    return answer


class Answers:
    """The service's methods, under the protocol's names in lower case."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def server_live(self, _: Any, __: Exchange) -> Any:
        """The process answers."""
        return message("ServerLiveResponse")(live=True)

    async def server_ready(self, _: Any, __: Exchange) -> Any:
        """All loaded models answer, and the service is not about to end."""
        return message("ServerReadyResponse")(ready=not self.service.draining)

    async def model_ready(self, request: Any, _: Exchange) -> Any:
        """Whether one model answers; an unknown one does not."""
        try:
            self.service.repository.get(request.name, request.version or None)
        except (NotFoundError, BundleError):
            return message("ModelReadyResponse")(ready=False)
        return message("ModelReadyResponse")(ready=True)

    async def server_metadata(self, _: Any, __: Exchange) -> Any:
        """Name, version and extensions."""
        return message("ServerMetadataResponse")(**self.service.server().model_dump())

    async def model_metadata(self, request: Any, _: Exchange) -> Any:
        """A model's inputs and outputs."""
        about = self.service.metadata(request.name, request.version or None)
        return message("ModelMetadataResponse")(**about.model_dump())

    async def model_infer(self, request: Any, exchange: Exchange) -> Any:
        """Run a model."""
        model = exchange.find(request.model_name, request.model_version or None)
        read = read_message(request, model.bundle, max_rows=self.service.max_rows)
        results = await self.service.gatherer.run(model, read.arrays, tuple(read.outputs), read.timeout_s)
        return write_message(model.bundle, read, results)

    async def repository_index(self, request: Any, _: Exchange) -> Any:
        """Every version found."""
        entries = self.service.index({"ready": request.ready})
        return message("RepositoryIndexResponse")(models=[each.model_dump() for each in entries])

    async def repository_model_load(self, request: Any, _: Exchange) -> Any:
        """Load a model."""
        await self.service.load(request.model_name, {"parameters": dict(request.parameters)})
        return message("RepositoryModelLoadResponse")()

    async def repository_model_unload(self, request: Any, _: Exchange) -> Any:
        """Serve a model no longer."""
        await self.service.unload(request.model_name)
        return message("RepositoryModelUnloadResponse")()
