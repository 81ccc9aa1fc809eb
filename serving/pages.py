"""The pages for people: hand-written files under `web/`, read once, with nothing fetched from elsewhere."""

from pathlib import Path

from fastapi import FastAPI, Response

from serving.errors import NotFoundError

TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


def add_pages(app: FastAPI) -> None:
    """Serve `/`, `/docs` and the files they are made of."""
    folder = Path(__file__).with_name("web")
    files = {
        path.name: (path.read_bytes(), TYPES[path.suffix])
        for path in sorted(folder.iterdir())
        if path.suffix in TYPES
    }

    def answer(name: str) -> Response:
        content, media_type = files[name]
        # One each: packing changes a response's headers in their place.
        return Response(content, headers=HEADERS, media_type=media_type)

    @app.get("/", include_in_schema=False)
    async def home() -> Response:
        return answer("index.html")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return answer("docs.html")

    @app.get("/static/{name}", include_in_schema=False)
    async def static(name: str) -> Response:
        if name not in files:
            raise NotFoundError(f"there is no file {name[:80]!r}")
        return answer(name)
