"""The socket that the service listens on, or one line saying why there is none."""

import errno
import socket
import sys

from serving.errors import StartError

BACKLOG = 2048


def listen(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A listening socket; a `shared` one leaves the port to other processes too. Raises StartError."""
    return _open(host, port, shared=shared, backlog=BACKLOG)


def reserve(host: str, port: int) -> socket.socket:
    """A socket that holds a port for processes that will share it, and takes no connection itself.

    Raises StartError when the port is taken, by others that would share it too.
    """
    if sys.platform == "win32":
        raise StartError("several workers need Linux or macOS: Windows shares no port; serve with one")
    with _open(host, port, shared=False, backlog=1) as alone:
        taken = alone.getsockname()[1]
    return _open(host, taken, shared=True, backlog=None)


def _open(host: str, port: int, *, shared: bool, backlog: int | None) -> socket.socket:
    """A bound socket, which listens where it has a backlog.

    It names its protocol: asyncio turns Nagle's algorithm off only then, and with it on answers take 40 ms.
    """
    if not 0 <= port <= 65_535:
        raise StartError(f"port {port} is not between 0 and 65535")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    except OSError as error:
        raise StartError(f"host {host!r} is not an address of this machine: {error.strerror}") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(address)
        if backlog is not None:
            listener.listen(backlog)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise StartError(
                f"port {port} on {host} is taken: stop what uses it, or pass another port"
            ) from None
        raise StartError(f"cannot listen on {host} port {port}: {error.strerror}") from None
    return listener
