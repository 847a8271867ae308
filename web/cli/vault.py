"""`yimen vault …`: after somebody wrote to the database past Yimen, find whose items are refused, and start afresh."""

from typing import Annotated

import typer

from vault.errors import VaultError
from web.cli.session import in_house, operator

app = typer.Typer(no_args_is_help=True, help="Kept accounts: check them all, reset an owner's.")


@app.command()
def check() -> None:
    """Check everybody's kept accounts and keys against their signed head and the ledger, and the ledger itself; print
    what is refused, and why."""
    refused = in_house(lambda house: house.recovery.check())
    for why in refused.values():
        typer.echo(why)
    if refused:
        raise VaultError("ERR-ITEM_TAMPERED", f"{len(refused)} findings, one a line above")
    typer.echo("every kept account, key and event is as Yimen left it")


@app.command()
def reset(
    owner: Annotated[str, typer.Argument(help="As `yimen vault check` prints it: user:… or organisation:…")],
    reason: Annotated[str, typer.Option(help="Why, for the ledger")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False,
) -> None:
    """Remove all kept accounts of an owner, and make their vault usable again. Their passwords are entered anew."""
    if not yes:
        typer.confirm(f"Remove all kept accounts of {owner}?", abort=True)
    removed = in_house(lambda house: house.recovery.reset(owner, actor=operator(), reason=reason))
    typer.echo(f"{removed} accounts of {owner} removed")
