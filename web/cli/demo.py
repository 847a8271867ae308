"""`yimen demo`: Yimen and the demo county in one go, on this machine only; nothing of it stays."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import aiohttp
import typer
from rich.console import Console
from rich.table import Table

from core.errors import ConfigurationError, YimenError

_READY_SECONDS = 60


def demo(
    port: Annotated[int, typer.Option(help="Port of the portal", min=1, max=65535)] = 8000,
    as_json: Annotated[bool, typer.Option("--json", help="Print addresses and sign-ins as one line of JSON")] = False,
) -> None:
    """Start the demo county, seed it through `yimen apply`, print where to go and how to sign in. Ctrl-C ends it."""
    with tempfile.TemporaryDirectory(prefix="yimen-demo-") as folder, contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(Path(folder), port, as_json=as_json))


async def _run(folder: Path, port: int, *, as_json: bool) -> None:
    # The county is no part of the product: it is installed with `yimen[demo]`.
    try:
        from demo.county import open_county  # noqa: PLC0415
    except ImportError as error:
        raise ConfigurationError("ERR-DEMO", f"the demo county is not installed ({error.name}): yimen[demo]") from None
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    issuer = f"http://localhost:{port}"
    environment = _environment(folder, issuer, port)
    async with open_county(issuer) as county:
        _say(as_json, "Seeding the county through `yimen apply` …")
        await _yimen(environment, "apply", "-", given=json.dumps(county.description, ensure_ascii=False))
        server = await _start(environment, "serve")
        try:
            await _until_ready(issuer, server)
            _print(issuer, county, as_json=as_json)
            ended = asyncio.create_task(server.wait())
            await asyncio.wait([ended, asyncio.create_task(stop.wait())], return_when=asyncio.FIRST_COMPLETED)
            if ended.done() and not stop.is_set():
                raise YimenError("ERR-DEMO", f"yimen serve ended with status {server.returncode}")
        finally:
            if server.returncode is None:
                server.terminate()
                await server.wait()


def _environment(folder: Path, issuer: str, port: int) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("YIMEN_")}
    return inherited | {
        "YIMEN_ISSUER": issuer,
        "YIMEN_PORT": str(port),
        "YIMEN_DATA_DIR": str(folder),
        "YIMEN_CUSTODIAN": "keyfile",
        # The county's systems stand on loopback, which no real county allows.
        "YIMEN_UPSTREAM_ALLOW": "127.0.0.0/8",
        "YIMEN_OUTBOUND_ALLOW": "127.0.0.0/8",
        "YIMEN_LOG_LEVEL": "WARNING",
        "YIMEN_LOG_FORMAT": "console",
    }


async def _start(environment: dict[str, str], *arguments: str, **options: Any) -> asyncio.subprocess.Process:
    command = (sys.executable, "-c", "from web.cli import main; main()", *arguments)
    return await asyncio.create_subprocess_exec(*command, env=environment, start_new_session=True, **options)


async def _yimen(environment: dict[str, str], *arguments: str, given: str) -> None:
    pipe = asyncio.subprocess.PIPE
    process = await _start(environment, *arguments, stdin=pipe, stdout=pipe)
    await process.communicate(given.encode())
    if process.returncode != 0:
        raise YimenError("ERR-DEMO", f"yimen {arguments[0]} ended with status {process.returncode}")


async def _until_ready(issuer: str, server: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(_READY_SECONDS), aiohttp.ClientSession() as client:
        while server.returncode is None:
            with contextlib.suppress(aiohttp.ClientError, OSError):
                async with client.get(f"{issuer}/readyz") as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.1)
    raise YimenError("ERR-DEMO", f"yimen serve ended with status {server.returncode}; is the port taken?")


def _print(issuer: str, county: Any, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"portal": issuer, **county.facts}, ensure_ascii=False), flush=True)
        return
    console = Console(highlight=False, soft_wrap=True)
    people = Table("谁 / who", "用户名 / user name", "密码 / password", box=None, padding=(0, 3, 0, 0))
    for one in county.facts["people"]:
        people.add_row(f"{one['role']} {one['name']}", one["username"], one["password"])
    systems = Table(box=None, padding=(0, 3, 0, 0))
    for heading in ("系统 / system", "地址 / its own address", "特点 / quirk"):
        systems.add_column(heading, no_wrap=True)
    for one in county.facts["systems"]:
        systems.add_row(one["title"], one["origin"], one["quirk"])
    console.print(f"\n[bold]一门已开 · Yimen is open:  {issuer}[/bold]\n")
    console.print(people)
    cadre = county.facts["people"][0]["name"]
    console.print(f"\n以{cadre}登录一次，逐个打开下列系统。Sign in once as {cadre} and open them all:\n")
    console.print(systems)
    console.print("\nCtrl-C 结束 / ends it\n")
    sys.stdout.flush()


def _say(as_json: bool, text: str) -> None:
    if not as_json:
        print(text, flush=True)
