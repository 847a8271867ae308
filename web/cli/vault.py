"""`yimen vault …`: after somebody wrote to the database past Yimen, find what is refused, and start afresh."""

from typing import Annotated

import typer

from vault.errors import VaultError
from web.cli.session import in_house, operator

app = typer.Typer(no_args_is_help=True, help="Check everything that is kept; reset an owner's accounts, accept a row.")


@app.command()
def check() -> None:
    """Check all kept accounts and keys, every row that gives power, and the ledger itself; print what is refused,
    and why."""
    refused = in_house(lambda house: house.recovery.check())
    for why in refused.values():
        typer.echo(why)
    if refused:
        raise VaultError("ERR-ITEM_TAMPERED", f"{len(refused)} findings, one a line above")
    typer.echo("every kept account, key, row and event is as Yimen left it")


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


@app.command()
def accept(
    table: Annotated[str, typer.Argument(help="As `yimen vault check` prints it: sso_user, sso_client, …")],
    key: Annotated[str, typer.Argument(help="The row's key, as `yimen vault check` prints it")],
    reason: Annotated[str, typer.Option(help="Why, for the ledger")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False,
) -> None:
    """Sign a row that somebody else wrote, as it stands now. Look at it first: whatever it says is true from now on."""
    if not yes:
        typer.confirm(f"Sign {table} {key} as it stands?", abort=True)
    in_house(lambda house: house.acceptance.accept(table, key, actor=operator(), reason=reason))
    typer.echo(f"{table} {key} is signed")
