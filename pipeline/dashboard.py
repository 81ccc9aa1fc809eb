"""Optuna's dashboard on a storage of studies, for this machine alone."""

from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from socketserver import TCPServer, ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from models.tuning.storage import open_storage
from pipeline.errors import InputError, ParamsError

HOST = "127.0.0.1"


def serve_dashboard(storage: str, *, port: int) -> None:
    """Serve the dashboard on the loopback until Ctrl-C; port 0 takes a free one. Its address is printed.

    Raises ParamsError without the package or with a port that is taken, InputError without the journal, and
    StudyError where the storage does not answer.
    """
    if find_spec("optuna_dashboard") is None:
        raise ParamsError(
            "expected the package optuna-dashboard, it is not installed: pip install 'millrace[dashboard]'"
        )
    if "://" not in storage and not Path(storage).is_file():
        raise InputError(
            f"expected the journal of a study at {storage}, found none: run a study, or name its --storage"
        )
    from optuna_dashboard import wsgi

    with closing(open_storage(storage)) as opened, _server(port) as server:
        server.set_app(wsgi(opened.optuna))
        print(f"the dashboard is at http://{HOST}:{server.server_port}/ (Ctrl-C ends it)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return


def _server(port: int) -> WSGIServer:
    try:
        return _Threaded((HOST, port), _Quiet)
    except (OSError, OverflowError) as error:
        raise ParamsError(f"expected a free port, got {port} ({error}): name another with --port") from error


class _Threaded(ThreadingMixIn, WSGIServer):
    daemon_threads = True  # a page that is still open does not keep the command from ending

    def server_bind(self) -> None:
        """Bind without asking a name server for this machine's name, which may take many seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]
        self.setup_environ()


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name is the base class's
        """Say nothing of each request."""
