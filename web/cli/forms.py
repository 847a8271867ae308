"""`yimen forms …`: what detection makes of a login page."""

import asyncio
import json
import sys
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from connectors.errors import ConnectorError
from connectors.gateway.wire.visitor import MAX_PAGE_BYTES
from connectors.legacy.page.detect import DetectedForm, Field, detect
from connectors.legacy.page.username_step import username_step
from connectors.origin import ExactOrigin
from connectors.trial import detect_at
from web.cli.visiting import Allow, Authority, visiting

app = typer.Typer(no_args_is_help=True, help="Login forms: what detection finds on a page.")


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
    authority: Authority = None,
) -> None:
    """Find the login form of a page: the fields, their roles, and why."""
    if page.startswith(("http://", "https://")):
        found, url = asyncio.run(_at_address(page, allow, authority))
    else:
        found = _in(_read(page), url, charset)
    if found is None:
        raise ConnectorError("ERR-FORMS", "there is no login form on this page")
    if as_json:
        named = {role: asdict(one) if one else None for role, one in _named(found)}
        told = {"url": url, "first_of_two_steps": _is_first_step(found), **named, **found.to_json()}
        typer.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        _print_form(found, url)


async def _at_address(url: str, allow: list[str] | None, authority: Path | None) -> tuple[DetectedForm | None, str]:
    async with visiting(url, allow, authority) as visitor:
        found = await detect_at(visitor, url)
        if found is not None:
            return found
        fetched = await visitor.page(url)
        return username_step(fetched.body, fetched.url, fetched.charset), fetched.url


def _in(content: bytes, url: str, charset: str | None) -> DetectedForm | None:
    return detect(content, url, charset) or username_step(content, url, charset)


def _is_first_step(found: DetectedForm) -> bool:
    return found.username is not None and found.password is None


def _read(page: str) -> bytes:
    """Raises ERR-FORMS also for more than a page that is fetched may have: reading takes seconds a megabyte."""
    try:
        with nullcontext(sys.stdin.buffer) if page == "-" else Path(page).open("rb") as file:
            content = file.read(MAX_PAGE_BYTES + 1)
    except (OSError, ValueError) as error:
        raise ConnectorError("ERR-FORMS", f"{page!r}: {getattr(error, 'strerror', None) or error}") from None
    if len(content) > MAX_PAGE_BYTES:
        raise ConnectorError("ERR-FORMS", f"{page}: larger than {MAX_PAGE_BYTES // 1024**2} MiB: no login page is")
    return content


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
    if found.method and not _stays(found.action, url):
        console.print(
            "WARNING the form leads to another origin: name it in `further_origins` of the system", markup=False
        )
    console.print(f"why     {found.why}", markup=False)
    table = Table("role", "selector", "label", "sure", "why", box=None, pad_edge=False)
    for field in (*found.fields, *([found.submit] if found.submit else ())):
        label = field.label or field.placeholder
        table.add_row(field.role, field.selector, label, f"{field.confidence:.2f}", field.why)
    console.print(table, markup=False)


def _stays(action: str, url: str) -> bool:
    try:
        return ExactOrigin.parse(action) == ExactOrigin.parse(url)
    except ConnectorError:
        return False
