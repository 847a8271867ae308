"""`python -m tests.bench.bare PORT`: the HTTP server that Yimen stands on, with nothing of ours on it.

It is the raw limit of every row over HTTP, and the legacy system behind the gateway.
"""

import sys

import uvicorn
from starlette.types import Receive, Scope, Send

_BODIES = {
    "/small": (b"application/json", b'{"ok":true}'),
    "/block": (b"application/octet-stream", b"x" * (1024 * 1024)),
}


async def _answer(scope: Scope, _receive: Receive, send: Send) -> None:
    kind, body = _BODIES.get(scope["path"], _BODIES["/small"])
    fields = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": fields})
    await send({"type": "http.response.body", "body": body})


def main() -> None:
    uvicorn.run(
        _answer,
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        lifespan="off",
        access_log=False,
        log_level="error",
        server_header=False,
        date_header=False,
        proxy_headers=False,
    )


if __name__ == "__main__":
    main()
