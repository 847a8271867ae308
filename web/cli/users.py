"""`yimen user …`: the few acts on people that an operator does at the command line."""

from typing import Annotated

import typer

from core.database import Connection
from core.identifiers import new_token
from sso.directory.users import User
from sso.errors import SsoError
from web.cli.session import in_house, operator
from web.composition import House

app = typer.Typer(no_args_is_help=True, help="People: list, disable, enable, unlock, first password.")

Username = Annotated[str, typer.Argument(help="The user name")]


@app.command("list")
def list_users(text: Annotated[str, typer.Argument(help="A part of the name or user name")] = "") -> None:
    """List people, one a line: user name, name, status, roles."""

    async def run(house: House) -> list[User]:
        found: list[User] = []
        async with house.database.scan() as connection:
            while page := await house.users.search(connection, text=text, after=found[-1].username if found else ""):
                found += page
        return found

    for user in in_house(run):
        typer.echo(f"{user.username}\t{user.name}\t{user.status}\t{','.join(sorted(user.roles))}")


@app.command()
def disable(username: Username) -> None:
    """Disable a person at once: every session ends, every token stops."""
    _set_status(username, "disabled")


@app.command()
def enable(username: Username) -> None:
    """Let a disabled person sign in again."""
    _set_status(username, "active")


@app.command()
def unlock(username: Username) -> None:
    """Give a locked-out person their attempts back."""

    async def run(house: House) -> None:
        async with house.database.write() as connection:
            user = await _require(house, connection, username)
            await house.lockout.unlock(connection, user.username, user.id, actor=operator())

    in_house(run)
    typer.echo(f"{username} may try again")


@app.command("reset-password")
def reset_password(username: Username) -> None:
    """Give a one-time password, printed once; it must be changed at the next sign-in."""
    password = f"Yi-{new_token()[:14]}1a"

    async def run(house: House) -> None:
        hashed = await house.passwords.given(password)
        async with house.database.write() as connection:
            user = await _require(house, connection, username)
            await house.passwords.keep(connection, user.id, hashed, actor=operator())
            await house.users.set_flags(connection, user.id, must_change_password=True)
            await house.sessions.revoke_all(connection, user.id, actor=operator(), reason="password_reset")

    in_house(run)
    typer.echo(password)


def _set_status(username: str, status: str) -> None:
    async def run(house: House) -> None:
        async with house.database.write() as connection:
            user = await _require(house, connection, username)
            await house.users.set_status(connection, user.id, status, actor=operator())
            if status == "disabled":
                await house.sessions.revoke_all(connection, user.id, actor=operator(), reason="user_disabled")

    in_house(run)
    typer.echo(f"{username} is {status}")


async def _require(house: House, connection: Connection, username: str) -> User:
    user = await house.users.find_by_username(connection, username)
    if user is None:
        raise SsoError("ERR-USERNAME", f"there is no user {username}")
    return user
