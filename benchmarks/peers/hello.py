"""The bound of a server in Python: reads a body, answers the same few bytes. `python hello.py PORT`."""

import sys
from typing import Any

import uvicorn

ANSWER = b'{"ok":true}'
HEADERS = [(b"content-length", str(len(ANSWER)).encode()), (b"content-type", b"application/json")]


async def app(_scope: Any, receive: Any, send: Any) -> None:
    """Answer any request alike."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": ANSWER})


if __name__ == "__main__":
    uvicorn.run(
        app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False, lifespan="off"
    )
