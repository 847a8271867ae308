"""The command line: `yimen …`. Exit status 0: done; 1: refused or failed, with a code; 2: wrong usage."""

import os
import sys
from typing import NoReturn

import typer

from core.database import StatementError
from core.errors import YimenError
from web.cli import audit, forms, keys, recipe, users, vault
from web.cli.apply import apply
from web.cli.demo import demo
from web.cli.migrate import migrate
from web.cli.serve import serve

app = typer.Typer(
    name="yimen",
    help="一门 · one sign-in for every system a township cadre must open.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("serve")(serve)
app.command("migrate")(migrate)
app.command("apply")(apply)
app.command("demo")(demo)
app.add_typer(forms.app, name="forms")
app.add_typer(recipe.app, name="recipe")
app.add_typer(audit.app, name="audit")
app.add_typer(keys.app, name="keys")
app.add_typer(vault.app, name="vault")
app.add_typer(users.app, name="user")


def main() -> None:
    """The console script. An expected error is one line with its code; anything else keeps its traceback."""
    # Databases, keys and exports are nobody else's to read.
    os.umask(0o077)
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
