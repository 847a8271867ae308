"""A supervisor over small applications, for tests: `python -m tests.web.processes.county PORT GATEWAY_PORT`.

`/` tells the process id. `/stuck` keeps the process in C code that holds the interpreter's lock, as a backtracking
expression does; `/asleep` waits as long as the client likes.
"""

import asyncio
import os
import re
import sys

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from core.logs import configure_logs
from web.processes.connections import Limits
from web.processes.leash import Leash
from web.processes.listening import listen
from web.processes.server import Serving, serve
from web.processes.supervisor import Kind, Patience, Supervisor

GRACE = 4


async def tell(_request: Request) -> Response:
    return PlainTextResponse(str(os.getpid()))


async def be_stuck(_request: Request) -> Response:
    re.match(r"(a+)+$", "a" * 60 + "b")
    raise AssertionError("it takes years")


async def sleep(_request: Request) -> Response:
    await asyncio.sleep(3600)
    raise AssertionError("nobody waits an hour")


def kind(name: str, port: int) -> Kind:
    listener = listen("127.0.0.1", port)

    def run(leash: Leash) -> None:
        app = Starlette(routes=[Route("/", tell), Route("/stuck", be_stuck), Route("/asleep", sleep)])
        serve(app, listener, Serving(Limits(per_address=64, in_all=128), grace=1), leash)

    return Kind(name, 1, run, listener)


def main() -> None:
    configure_logs("INFO", "json")
    kinds = [kind("identity", int(sys.argv[1])), kind("gateway", int(sys.argv[2]))]
    Supervisor(kinds, grace=GRACE, patience=Patience(silence=3.0, orphan=6.0)).run()


if __name__ == "__main__":
    main()
