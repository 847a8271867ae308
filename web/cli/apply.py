"""`yimen apply FILE.yaml`: make a county's description true."""

import json
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from connectors.apply.acts import Parts, Step
from connectors.apply.document import County, parse_county
from connectors.apply.portions import Progress, apply_county
from connectors.errors import ConnectorError
from web.cli.session import in_house, in_scratch_or_house, operator
from web.composition import House

_TELL_SECONDS = 2.0
_MARKS = {"create": ("+", "green"), "change": ("~", "yellow"), "keep": ("=", "dim")}


def apply(
    file: Annotated[Path | None, typer.Argument(help="The county file; - reads standard input")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the diff and change nothing")] = False,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of the file and end")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the diff as JSON")] = False,
) -> None:
    """Create or update organisations, users, clients, systems, recipes and items. Safe to repeat."""
    if schema:
        typer.echo(json.dumps(County.model_json_schema(), ensure_ascii=False, indent=2))
        return
    if file is None:
        raise typer.BadParameter("give a file, or - for standard input")
    county = parse_county(_read(file))
    folder = Path() if str(file) == "-" else file.parent

    watch = _Watch()

    async def run(house: House) -> list[Step]:
        steps = await apply_county(
            apply_parts(house), county, actor=operator(), folder=folder, dry_run=dry_run, tell=watch.hear
        )
        if not dry_run:
            await _tell_unheld(house)
        return steps

    with watch:
        steps = in_scratch_or_house(run) if dry_run else in_house(run, create=True)
    if as_json:
        typer.echo(json.dumps([vars(step) for step in steps], ensure_ascii=False))
    else:
        _print_diff(steps, dry_run=dry_run)


class _Watch:
    """Tells on the standard error how far a long run is; of one that is broken off, what is done and what is left."""

    def __init__(self) -> None:
        self._heard: Progress | None = None
        self._told_at = time.monotonic()

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        heard = self._heard
        if kind is not None and heard is not None and heard.stage == "apply":
            left = heard.all - heard.done
            _say(f"{heard.done} of {heard.all} entries are applied and stay, {left} are left: run it again")

    def hear(self, progress: Progress) -> None:
        self._heard = progress
        now = time.monotonic()
        if now - self._told_at >= _TELL_SECONDS:
            self._told_at = now
            doing = "checked" if progress.stage == "rehearse" else "applied"
            _say(f"{progress.done} of {progress.all} entries {doing}")


async def _tell_unheld(house: House) -> None:
    """The first start makes administrators only where there are no people yet: who applies before it must know."""
    async with house.database.scan() as connection:
        unheld = await house.users.unheld_administration(connection)
    if unheld:
        _say(f"! nobody is {', '.join(unheld)}: name people with these roles in the file; a start makes none any more")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def apply_parts(house: House) -> Parts:
    return Parts(**{name: getattr(house, name) for name in Parts.__dataclass_fields__})


def _read(file: Path) -> str:
    try:
        raw = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise ConnectorError("ERR-APPLY_FILE", f"{file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConnectorError("ERR-APPLY_FILE", f"{file} is not UTF-8") from None


def _print_diff(steps: list[Step], *, dry_run: bool) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for step in steps:
        mark, style = _MARKS[step.verb]
        fields = f"  {', '.join(step.fields)}" if step.fields else ""
        console.print(Text(f"{mark} {step.kind} {step.name}{fields}", style=style))
        if step.without_effect:
            ignored = ", ".join(step.without_effect)
            console.print(Text(f"! {step.kind} {step.name}: kept, but without effect: {ignored}", style="yellow"))
        for warning in step.warnings:
            console.print(Text(f"! {step.kind} {step.name}: {warning}", style="yellow"))
    counts = {verb: sum(step.verb == verb for step in steps) for verb in _MARKS}
    end = "nothing was changed (dry run)" if dry_run else "applied"
    console.print(f"{counts['create']} created, {counts['change']} changed, {counts['keep']} unchanged: {end}")
