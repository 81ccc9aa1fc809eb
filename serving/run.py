"""Start the service: load the models of a folder, take the port, say what is served, answer until stopped."""

import asyncio
import errno
import gc
import shlex
import socket
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from time import monotonic
from types import FrameType
from typing import Any

import orjson
import uvicorn

from serving.app import MAX_BODY_BYTES, MAX_ROWS, WATCH_S, create_app
from serving.bundle import ImageForm
from serving.errors import StartError
from serving.express import express
from serving.front import Front
from serving.lane import Limits
from serving.logs import log_as_json
from serving.repository import Repository, load_repository
from serving.service import Service

StartRpc = Callable[[], Awaitable[tuple[Any, int]]]
DRAIN_S = 10
BACKLOG = 2048


def serve(
    folder: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    max_body_bytes: int = MAX_BODY_BYTES,
    max_rows: int = MAX_ROWS,
    limits: Limits | None = None,
    watch_s: float = WATCH_S,
    control: bool = False,
    grpc_port: int | None = None,
    json_logs: bool = False,
    drain_wait_s: float = 0,
) -> None:
    """Serve every bundle under `folder` until SIGINT or SIGTERM, then finish what was accepted (in 10 s).

    Told to end, it is not ready at once, answers for another `drain_wait_s` as before, and then takes in
    nothing more. Port 0 takes a free one; `watch_s` and `control` are as `create_app` has them. With
    `grpc_port` gRPC is answered beside HTTP; `json_logs` logs each request, as JSON. Raises StartError, in
    one line, when nothing loads or a port is not free.
    """
    if not 0 <= port <= 65_535:
        raise StartError(f"port {port} is not between 0 and 65535")
    if json_logs:
        log_as_json()
    repository = load_repository(folder)
    app = create_app(
        repository, max_body_bytes=max_body_bytes, max_rows=max_rows, limits=limits, watch_s=watch_s,
        control=control,
    )  # fmt: skip
    config = uvicorn.Config(
        app,
        http=express(app),
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=DRAIN_S,
    )
    # What is loaded stays: the collector need not walk it again and again while requests wait.
    gc.collect()
    gc.freeze()
    with _listen(host, port) as listener:
        rpc = None if grpc_port is None else partial(_start_rpc, app, host, grpc_port, max_body_bytes)
        text = greeting(repository, host, listener.getsockname()[1])
        server = _Server(config, text, app.service, drain_wait_s, rpc)
        # uvicorn raises the signal anew once it is done; a shell that runs us in the background ignores it.
        with suppress(KeyboardInterrupt):
            server.run(sockets=[listener])
        sys.stdout.write("stopped\n")


async def _start_rpc(app: Front, host: str, port: int, max_bytes: int) -> tuple[Any, int]:
    """The started gRPC server and its port."""
    try:
        from serving.rpc.server import start_rpc
    except ModuleNotFoundError as error:
        raise StartError(f"gRPC needs {error.name}: pip install 'millrace[grpc]'") from None
    return await start_rpc(app.service, host, port, max_bytes=max_bytes)


class _Server(uvicorn.Server):
    """A server that greets once it answers, and has a gRPC server beside it where `start_rpc` is given."""

    def __init__(
        self,
        config: uvicorn.Config,
        text: str,
        service: Service,
        drain_wait_s: float,
        start_rpc: StartRpc | None,
    ) -> None:
        super().__init__(config)
        self._text, self._service, self._drain_wait_s = text, service, drain_wait_s
        self._start_rpc = start_rpc
        self._rpc: Any = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Be no longer ready from the signal on."""
        self._service.draining = True
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, then greet."""
        if self._start_rpc is not None:
            self._rpc, port = await self._start_rpc()
            self._text = f"gRPC on port {port}\n{self._text}"
        await super().startup(sockets)
        sys.stdout.write(self._text)
        sys.stdout.flush()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let it be seen that this is not ready, then take in nothing more, and answer what was taken in."""
        ends = monotonic() + self._drain_wait_s
        while monotonic() < ends and not self.force_exit:
            await asyncio.sleep(0.05)
        if self._rpc is not None:
            # gRPC first: the end of HTTP also ends the threads that both use.
            await self._rpc.stop(DRAIN_S)
        await super().shutdown(sockets)


def _listen(host: str, port: int) -> socket.socket:
    """A bound socket, or one line saying why there is none.

    It names its protocol: asyncio turns Nagle's algorithm off only then, and with it on answers take 40 ms.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    except OSError as error:
        raise StartError(f"host {host!r} is not an address of this machine: {error.strerror}") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise StartError(
                f"port {port} on {host} is taken: stop what uses it, or pass another port"
            ) from None
        raise StartError(f"cannot listen on {host} port {port}: {error.strerror}") from None
    return listener


def greeting(repository: Repository, host: str, port: int) -> str:
    """What is served, where, and a command to try it with."""
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    lines = []
    for model in repository.latest():
        bundle = model.bundle
        versions = ", ".join(map(str, sorted(repository.models[bundle.name])))
        takes = f"takes {bundle.form.kind}" if bundle.form else f"{len(bundle.inputs)} inputs"
        lines.append(f"{bundle.name}  {bundle.task}, version {versions}, {takes}")
    lines += [f"{bad.name}  version {bad.version} NOT served: {bad.reason}" for bad in repository.failures]
    for model in repository.latest()[:1]:
        bundle, address = model.bundle, f"{url}/models/{model.bundle.name}/predict"
        if isinstance(bundle.form, ImageForm):
            lines.append(f"curl {address} -F {bundle.form.field}=@picture.png")
        elif bundle.example:
            lines.append(f"curl {address} -d {shlex.quote(orjson.dumps(bundle.example).decode())}")
    lines.append(f"{url}  try it;  {url}/docs  the API;  {url}/v2  Open Inference Protocol")
    return "\n".join(lines) + "\n"
