"""`yimen keys rotate`: new keys, online."""

from typing import Annotated

import typer

from vault.errors import VaultError
from web.cli.session import in_house, operator
from web.composition import House

app = typer.Typer(no_args_is_help=True, help="Root, owner and signing keys.")


@app.callback()
def keys() -> None:
    """Root, owner and signing keys."""


@app.command()
def rotate(
    owners: Annotated[bool, typer.Option("--owners", help="New owner keys too, and seal every item again")] = False,
    signing: Annotated[bool, typer.Option("--signing", help="Only the keys that sign tokens")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Only go on with a rotation that was interrupted")] = False,
) -> None:
    """Rotate keys while the server runs. Killed half way, it goes on where it stood when run again."""

    async def run(house: House) -> str:
        if signing:
            return f"new signing key {await house.signing_keys.rotate(actor=operator())}"
        rotation = house.rotation
        # Owner keys need no new root key: where the custodian has none, the present one stays.
        keeps_root = owners and not resume and not await rotation.has_new_root()
        wrapped = await (rotation.resume() if resume or keeps_root else rotation.rotate_root(actor=operator()))
        done = f"{wrapped} owner keys wrapped under the new root key"
        if keeps_root:
            done = "the root key stays, for no new one lies ready"
        if owners:
            again = await rotation.rotate_owners(actor=operator())
            done += f"; items of {again.rotated} owners sealed again"
            rows = await rotation.rotate_rows(actor=operator())
            done += f"; {rows.signed} rows signed again"
            if rows.left:
                typer.echo(done)
                raise VaultError("ERR-ROW_TAMPERED", f"{rows.left} rows left as they are: see `yimen vault check`")
            if again.tampered:
                typer.echo(done)
                raise VaultError("ERR-ITEM_TAMPERED", f"left as they are: {', '.join(again.tampered)}")
        return done

    typer.echo(in_house(run))
