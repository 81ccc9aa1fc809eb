"""Which pages of other origins may ask from a browser; none, unless they are named."""

import re
from collections.abc import Sequence

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from serving.errors import StartError
from serving.infer_request import JSON_SIZE_HEADER

_ORIGIN = re.compile(r"https?://[^/\s?#@]+")
EXPOSED = ("X-Request-Id", "Retry-After", JSON_SIZE_HEADER)


def allow_origins(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """`app` for pages of `origins`, such as https://shop.example; `*` is every one. Raises StartError."""
    for origin in origins:
        if origin != "*" and not _ORIGIN.fullmatch(origin):
            raise StartError(
                f"an origin is scheme and host, as in https://shop.example:8080, or *; got {origin!r}"
            )
    if not origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=["GET", "POST"],
        allow_headers=["*"],
        expose_headers=EXPOSED,
    )
