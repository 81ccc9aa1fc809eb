"""Start the service: load the models of a folder, take the port, say what is served, answer until stopped."""

import gc
import shlex
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import uvicorn

from serving.app import create_app
from serving.bundle import ImageForm
from serving.cors import allow_origins
from serving.errors import StartError
from serving.express import express
from serving.front import Front
from serving.keys import Keys
from serving.listen import listen
from serving.logs import log_as_json
from serving.options import Options
from serving.page_url import Pages
from serving.repository import Repository, load_repository
from serving.server import DRAIN_S, Server
from serving.tracing import Tracing
from serving.traffic import Traffic
from serving.workers import supervise

Say = Callable[[str], None]


def serve(options: Options) -> None:
    """Serve until SIGINT or SIGTERM, then finish what was accepted (in 10 s).

    Raises StartError, in one line, when nothing loads or a port is not free.
    """
    if options.workers > 1:
        supervise(options, _say)
    else:
        answer(options, _say)
    _say("stopped\n")


def answer(options: Options, say: Say, *, counts: Path | None = None, parent: int | None = None) -> None:
    """Serve in this process; `say` gets the greeting.

    With `counts` it is one of several that share the port, and that folder for what they count; with
    `parent`, the reading end of a pipe, it also ends when whoever holds the other end does.
    """
    if options.json_logs:
        log_as_json()
    keys = None if options.api_keys is None else Keys(options.api_keys)
    traffic = None if options.traffic is None else Traffic(options.traffic)
    tracing = None if options.otlp_endpoint is None else Tracing(options.otlp_endpoint)
    repository = load_repository(options.folder)
    app = create_app(
        repository, max_body_bytes=options.max_body_bytes, max_rows=options.max_rows, limits=options.limits,
        watch_s=options.watch_s, control=options.control, counts=counts, keys=keys,
        open_metrics=options.open_metrics, traffic=traffic, tracing=tracing,
        pages=None if options.site is None else Pages(options.site),
    )  # fmt: skip
    config = uvicorn.Config(
        allow_origins(app, options.cors_origins),
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
    shared = counts is not None
    with listen(options.host, options.port, shared=shared) as listener:
        text = greeting(repository, options.host, listener.getsockname()[1], traffic)
        rpc = None if options.grpc_port is None else partial(_start_rpc, app, options, shared)
        wait_s = options.drain_wait_s
        server = Server(config, app.service, say, text, drain_wait_s=wait_s, start_rpc=rpc, parent=parent)
        # uvicorn raises the signal anew once it is done; a shell that runs us in the background ignores it.
        with suppress(KeyboardInterrupt):
            server.run(sockets=[listener])


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


async def _start_rpc(app: Front, options: Options, shared: bool) -> tuple[Any, int]:
    """The started gRPC server and its port."""
    try:
        from serving.rpc.server import start_rpc
    except ModuleNotFoundError as error:
        raise StartError(f"gRPC needs {error.name}: pip install 'millrace[grpc]'") from None
    port = options.grpc_port or 0
    return await start_rpc(app.service, options.host, port, max_bytes=options.max_body_bytes, shared=shared)


def greeting(repository: Repository, host: str, port: int, traffic: Traffic | None = None) -> str:
    """What is served, where, and a command to try it with."""
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    lines = []
    for model in repository.latest():
        bundle = model.bundle
        versions = ", ".join(map(str, sorted(repository.models[bundle.name])))
        takes = f"takes {bundle.form.kind}" if bundle.form else f"{len(bundle.inputs)} inputs"
        lines.append(f"{bundle.name}  {bundle.task}, version {versions}, {takes}")
    lines += [f"{bad.name}  version {bad.version} NOT served: {bad.reason}" for bad in repository.failures]
    lines += [] if traffic is None else _routes(repository, traffic)
    for model in repository.latest()[:1]:
        bundle, address = model.bundle, f"{url}/models/{model.bundle.name}/predict"
        if isinstance(bundle.form, ImageForm):
            lines.append(f"curl {address} -F {bundle.form.field}=@picture.png")
        elif bundle.example:
            lines.append(f"curl {address} -d {shlex.quote(orjson.dumps(bundle.example).decode())}")
    lines.append(f"{url}  try it;  {url}/docs  the API;  {url}/v2  Open Inference Protocol")
    return "\n".join(lines) + "\n"


def _routes(repository: Repository, traffic: Traffic) -> list[str]:
    """A line for each canary and shadow."""
    lines = []
    for name, route in sorted(traffic.routes.items()):
        for what, to in (("canary", route.canary), ("shadow", route.shadow)):
            if to is not None:
                there = to.version in repository.models.get(name, {})
                lines.append(
                    f"{name}  {what}: version {to.version}, {to.share:.4g} of the requests"
                    + ("" if there else ", once that version is there")
                )
    return lines
