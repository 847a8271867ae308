"""`yimen audit …`: export the ledger, check an export anywhere, print the key to check with."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from core.errors import YimenError
from core.local_time import LocalTime
from vault.errors import VaultError
from vault.ledger import Event
from vault.ledger.audit_reader import compressed, read_lines
from vault.ledger.checkpoints import VerifierKey
from vault.ledger.queries import LedgerQuery
from vault.ledger.report import Report
from vault.ledger.verify import verify
from web.cli.session import in_house, operator
from web.composition import House

_Form = Literal["jsonl", "csv"]

app = typer.Typer(no_args_is_help=True, help="The ledger: export, verify, key.")


@app.command()
def key() -> None:
    """Print the ledger's public key. Keep it far from the server: `verify` needs it."""

    async def run(house: House) -> str:
        return house.ledger.public_key()

    typer.echo(in_house(run))


@app.command()
def export(
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write; - is standard output")] = Path("-"),
    gzip: Annotated[bool, typer.Option(help="Compress; a file whose name ends with .gz always is")] = False,
    form: Annotated[_Form, typer.Option("--format", help="csv is for people and proves nothing")] = "jsonl",
    actor: Annotated[str | None, typer.Option(help="user:<id>, client:<id> or operator:<name>")] = None,
    system: Annotated[str | None, typer.Option(help="Id of a system")] = None,
    action: Annotated[str | None, typer.Option(help="For example launch")] = None,
    since: Annotated[str, typer.Option(help="A day or a time (2026-11-23T08:00) of the county's time zone")] = "",
    until: Annotated[str, typer.Option(help="As --since; a day counts to its end")] = "",
) -> None:
    """Write the ledger's events, oldest first, and what proves them. The export itself is an event of the ledger.

    Without a filter, or with times alone, the file is a run of the ledger: nothing is left out between its ends.
    """

    async def run(house: House) -> None:
        begins, ends = _span(house.settings.local_time, since, until)
        query = LedgerQuery(actor=actor, system=system, action=action, since=begins, until=ends)
        event = Event(action="audit.export", result="success", actor=operator(), detail={"format": form})
        await house.ledger.append(event)
        chunks = house.audit_file.export_csv(query) if form == "csv" else house.audit_file.export(query)
        if gzip or output.suffix == ".gz":
            chunks = compressed(chunks)
        await (_print(chunks) if str(output) == "-" else _write(chunks, output))

    in_house(run)


@app.command("verify")
def verify_file(
    file: Annotated[Path, typer.Argument(help="An exported file (JSON lines), compressed or not")],
    key: Annotated[str, typer.Option("--key", help="The ledger's public key, or a file that holds it")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON")] = False,
) -> None:
    """Check an export with the public key alone. Exit status 0: whole and genuine; 1: not, and it says where."""
    try:
        report = verify(read_lines(file), _key(key))
    except OSError as error:
        raise VaultError("ERR-AUDIT_FILE", f"{file}: {error.strerror}") from None
    if as_json:
        findings = [vars(finding) for finding in report.findings]
        typer.echo(json.dumps({"good": report.is_good, "events": report.events, "findings": findings}))
    else:
        _print_report(report, file)
    if not report.is_good:
        raise typer.Exit(1)


def _print_report(report: Report, file: Path) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for finding in report.findings:
        event = f" (event {finding.event})" if finding.event else ""
        console.print(f"line {finding.line}: {finding.problem}{event}", style="red", markup=False)
    if report.is_good:
        what = "the whole ledger" if report.complete else "a part of the ledger"
        console.print(f"{file}: {report.events} events, {what} at size {report.size}: genuine", style="green")
    else:
        console.print(f"{file}: {len(report.findings)} findings: do not trust it", style="red")


def _key(given: str) -> VerifierKey:
    path = Path(given)
    with suppress(OSError, UnicodeDecodeError):
        if path.is_file():
            given = path.read_text(encoding="utf-8")
    return VerifierKey.parse(given)


async def _print(chunks: AsyncIterator[bytes]) -> None:
    stream = typer.get_binary_stream("stdout")
    async for chunk in chunks:
        stream.write(chunk)
    stream.flush()


async def _write(chunks: AsyncIterator[bytes], output: Path) -> None:
    """All of the file or nothing: it gets its name when it is whole and on disk. A device or pipe is written to."""
    is_special = _is_special(output)
    half = output if is_special else output.with_name(f".{output.name}.part")
    try:
        with half.open("wb") as stream:
            async for chunk in chunks:
                stream.write(chunk)
            stream.flush()
            if not is_special:
                os.fsync(stream.fileno())
                half.replace(output)
    except OSError as error:
        raise YimenError("ERR-AUDIT_FILE", f"{output}: {error.strerror}") from None
    finally:
        if not is_special:
            half.unlink(missing_ok=True)


def _is_special(output: Path) -> bool:
    return output.exists() and not output.is_file()


def _span(county: LocalTime, since: str, until: str) -> tuple[datetime | None, datetime | None]:
    try:
        return county.since(since) if since else None, county.until(until) if until else None
    except (ValueError, OverflowError):
        raise typer.BadParameter("write a day as 2026-11-23, a time as 2026-11-23T08:00") from None
