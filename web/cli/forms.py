"""`yimen forms …`: what detection makes of a login page."""

import asyncio
import json
import sys
from dataclasses import asdict
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from connectors.errors import ConnectorError
from connectors.legacy.detect import DetectedForm, Field, detect
from connectors.legacy.trial import detect_at
from connectors.legacy.visit import Visit
from core.outbound import Outbound
from core.settings import load_settings

app = typer.Typer(no_args_is_help=True, help="Login forms: what detection finds on a page.")

Allow = Annotated[
    list[str] | None,
    typer.Option("--allow", help="A private network to reach beside YIMEN_UPSTREAM_ALLOW, e.g. 127.0.0.0/8"),
]


@app.callback()
def _group() -> None:
    """Keeps `detect` a command of its own while it is the only one."""


@app.command("detect")
def detect_form(
    page: Annotated[str, typer.Argument(metavar="FILE_OR_URL", help="An HTML file, a URL, or - for standard input")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the form as JSON")] = False,
    url: Annotated[str, typer.Option(help="The address the file was saved from")] = "http://localhost/",
    charset: Annotated[str | None, typer.Option(help="The charset the server declares for the file")] = None,
    allow: Allow = None,
) -> None:
    """Find the login form of a page: the fields, their roles, and why."""
    if page.startswith(("http://", "https://")):
        found, url = asyncio.run(_at_address(page, guarded_outbound(allow)))
    else:
        found = detect(_read(page), url, charset)
    if found is None:
        raise ConnectorError("ERR-FORMS", "there is no login form on this page")
    if as_json:
        named = {role: asdict(one) if one else None for role, one in _named(found)}
        typer.echo(json.dumps({"url": url, **named, **found.to_json()}, ensure_ascii=False, indent=2))
    else:
        _print_form(found, url)


def guarded_outbound(allow: list[str] | None) -> Outbound:
    """The guarded way to legacy systems, as the gateway has it, and to the networks named here."""
    try:
        named = tuple(ip_network(one) for one in allow or ())
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--allow") from None
    return Outbound((*load_settings().upstream_allow, *named))


async def _at_address(url: str, outbound: Outbound) -> tuple[DetectedForm | None, str]:
    async with Visit(outbound) as visit:
        return await detect_at(visit, url) or (None, url)


def _read(page: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if page == "-" else Path(page).read_bytes()
    except OSError as error:
        raise ConnectorError("ERR-FORMS", f"{page}: {error.strerror}") from None


def _named(found: DetectedForm) -> tuple[tuple[str, Field | None], ...]:
    """The two fields that everybody asks for first; they stand among `fields` too."""
    return ("username", found.username), ("password", found.password)


def _print_form(found: DetectedForm, url: str) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"page    {url}", markup=False)
    for frame in found.frames:
        console.print(f"frame   {frame}", markup=False)
    if not found.fields:
        console.print(found.why, markup=False)
        return
    console.print(f"form    {found.form or 'none: the page’s script sends the fields'}", markup=False)
    console.print(f"sends   {found.method or 'by script'} {found.action} ({found.charset})", markup=False)
    console.print(f"why     {found.why}", markup=False)
    table = Table("role", "selector", "label", "sure", "why", box=None, pad_edge=False)
    for field in (*found.fields, *([found.submit] if found.submit else ())):
        label = field.label or field.placeholder
        table.add_row(field.role, field.selector, label, f"{field.confidence:.2f}", field.why)
    console.print(table, markup=False)
