"""`yimen demo`: Yimen and the demo county in one go, on this machine only; nothing of it stays."""

import asyncio
import json
import signal
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.cells import cell_len

from core.errors import ConfigurationError, YimenError


def demo(
    port: Annotated[
        int, typer.Option(help="Port of the portal; the gateway takes the next one", min=1, max=65534)
    ] = 8000,
    as_json: Annotated[bool, typer.Option("--json", help="Print addresses and sign-ins as one line of JSON")] = False,
) -> None:
    """Start the demo county, seed it through `yimen apply`, print where to go and how to sign in. Ctrl-C ends it."""
    with tempfile.TemporaryDirectory(prefix="yimen-demo-") as folder:
        asyncio.run(_run(Path(folder), port, as_json=as_json))


async def _run(folder: Path, port: int, *, as_json: bool) -> None:
    # The county is no part of the product: it is installed with `yimen[demo]`.
    try:
        from demo.running import DemoError, open_demo  # noqa: PLC0415
    except ImportError as error:
        raise ConfigurationError("ERR-DEMO", f"the demo county is not installed ({error.name}): yimen[demo]") from None
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    if not as_json:
        print("Starting the county, and seeding it through `yimen apply` …", flush=True)
    try:
        async with open_demo(folder, port) as (yimen, county):
            _print(yimen.issuer, county.facts, as_json=as_json)
            ended, stopped = asyncio.create_task(yimen.server.wait()), asyncio.create_task(stop.wait())
            await asyncio.wait([ended, stopped], return_when=asyncio.FIRST_COMPLETED)
            if not stop.is_set():
                raise DemoError(f"yimen serve ended with status {yimen.server.returncode}")
    except DemoError as error:
        raise YimenError("ERR-DEMO", str(error)) from None


def _print(issuer: str, facts: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"portal": issuer, **facts}, ensure_ascii=False), flush=True)
        return
    people = [(f"{one['role']} {one['name']}", one["username"], one["password"]) for one in facts["people"]]
    systems = [(one["title"], one["origin"], one["quirk"]) for one in facts["systems"]]
    cadre = facts["people"][0]["name"]
    print(f"\n一门已开 · Yimen is open:  {issuer}\n")
    _print_columns([("谁 / who", "用户名 / user name", "密码 / password"), *people])
    print(f"\n以{cadre}登录一次，逐个打开下列系统。Sign in once as {cadre} and open them all:\n")
    _print_columns([("系统 / system", "地址 / its own address", "特点 / quirk"), *systems])
    print("\nCtrl-C 结束 / ends it\n", flush=True)


def _print_columns(rows: list[tuple[str, ...]]) -> None:
    """Columns that line up though Chinese characters are two cells wide; never cut off, so that all can be copied."""
    widths = [max(cell_len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print(
            "   ".join(cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
        )
