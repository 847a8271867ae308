"""The command line: `yimen …`. Exit status 0: done; 1: refused or failed, with a code; 2: wrong usage."""

import io
import os
import sys
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from core.database import StatementError
from core.errors import YimenError

# A command's modules are imported when it is used: `yimen audit` need not wait for those of the web server.
_COMMANDS = {
    "serve": "web.cli.serve:serve",
    "migrate": "web.cli.migrate:migrate",
    "apply": "web.cli.apply:apply",
    "demo": "web.cli.demo:demo",
    "forms": "web.cli.forms:app",
    "recipe": "web.cli.recipe:app",
    "audit": "web.cli.audit:app",
    "keys": "web.cli.keys:app",
    "vault": "web.cli.vault:app",
    "user": "web.cli.users:app",
}


class _OnDemand(TyperGroup):
    def list_commands(self, ctx: Any) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return _command(cmd_name) if cmd_name in _COMMANDS else None


def _command(name: str) -> Any:
    module, _, attribute = _COMMANDS[name].partition(":")
    found = getattr(import_module(module), attribute)
    if not isinstance(found, typer.Typer):
        alone = typer.Typer(add_completion=False)
        alone.command(name)(found)
        found = alone
    command = typer.main.get_command(found)
    command.name = name
    return command


app = typer.Typer(
    name="yimen",
    cls=_OnDemand,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"yimen {version('yimen')}")
        raise typer.Exit


@app.callback()
def _yimen(
    _version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    """一门 · one sign-in for every system a township cadre must open."""


def main() -> None:
    """The console script. An expected error is one line with its code; anything else keeps its traceback."""
    # Databases, keys and exports are nobody else's to read.
    os.umask(0o077)
    # A name that the terminal's encoding has no character for must not end a command that has done its work.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except YimenError as error:
        _fail(error.code, error.detail or error.code)
    except StatementError as error:
        _fail("ERR-DATABASE", str(error))
    except OSError as error:
        # What could not be written now cannot be written at the interpreter's end either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        _fail("ERR-IO", error.strerror or str(error))
    except RecursionError:
        # JSON that is nested without end, which Python's reader follows: nothing of ours goes that deep.
        _fail("ERR-NESTED", "a file that was read (the key file, or one that was named) is nested too deeply")
    except KeyboardInterrupt:
        sys.exit(130)


def _fail(code: str, why: str) -> NoReturn:
    print(f"yimen: {code}: {why}", file=sys.stderr)
    sys.exit(1)
