"""uvicorn's server as this service runs it: a greeting, gRPC beside it, an end in good order."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from time import monotonic
from types import FrameType
from typing import Any

import uvicorn

from serving.service import Service

StartRpc = Callable[[], Awaitable[tuple[Any, int]]]
DRAIN_S = 10


class Server(uvicorn.Server):
    """A server that says `text` once it answers, and has a gRPC server beside it where `start_rpc` is given.

    It ends by a signal, or when `parent` is the reading end of a pipe whose writer has ended.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        service: Service,
        say: Callable[[str], None],
        text: str,
        *,
        drain_wait_s: float = 0,
        start_rpc: StartRpc | None = None,
        parent: int | None = None,
    ) -> None:
        super().__init__(config)
        self._service, self._say, self._text = service, say, text
        self._drain_wait_s, self._start_rpc, self._parent = drain_wait_s, start_rpc, parent
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
        if self._parent is not None:
            asyncio.get_running_loop().add_reader(self._parent, self._heard)
        self._say(self._text)

    def _heard(self) -> None:
        """End where the parent has ended: it says nothing else."""
        assert self._parent is not None
        if not os.read(self._parent, 1024):
            asyncio.get_running_loop().remove_reader(self._parent)
            self._service.draining = self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let it be seen that this is not ready, then take in nothing more, and answer what was taken in."""
        ends = monotonic() + self._drain_wait_s
        while monotonic() < ends and not self.force_exit:
            await asyncio.sleep(0.05)
        if self._rpc is not None:
            # gRPC first: the end of HTTP also ends the threads that both use.
            await self._rpc.stop(DRAIN_S)
        await super().shutdown(sockets)
