"""`yimen serve`: migrate, say what is active, and run the processes of the role."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from connectors.gateway_client import keep_by_host
from core.database import Database
from core.logs import configure_logs, logger
from core.settings import Settings, load_settings
from vault.keys.custody import open_custodian
from web.composition import House, make_data_dir, open_house
from web.first_start import create_administrators
from web.migrate import migrate
from web.processes.kinds import kinds_of
from web.processes.supervisor import Supervisor
from web.processes.tls import certificates_of

_log = logger("serve")


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on")] = None,
    port: Annotated[int | None, typer.Option(help="Port of the portal", min=0, max=65535)] = None,
    gateway_port: Annotated[
        int | None, typer.Option(help="Port of the gateway; by default the next one", min=0, max=65535)
    ] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain, PEM")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Private key, PEM")] = None,
    workers: Annotated[int | None, typer.Option(help="Identity processes", min=1, max=64)] = None,
    gateway_processes: Annotated[int | None, typer.Option(help="Gateway processes", min=1, max=64)] = None,
    role: Annotated[str | None, typer.Option(help="all, identity, gateway or worker")] = None,
) -> None:
    """Start the server. Options win over YIMEN_* variables, these over the file named by YIMEN_CONFIG."""
    given = {
        "host": host,
        "port": port,
        "gateway_port": gateway_port,
        "tls_cert": tls_cert,
        "tls_key": tls_key,
        "workers": workers,
        "gateway_processes": gateway_processes,
        "role": role,
    }
    settings = load_settings(**{name: value for name, value in given.items() if value is not None})
    configure_logs(settings.log_level, settings.log_format)
    for files in certificates_of(settings):
        files.context()
    kinds = kinds_of(settings)
    _in_a_process_of_its_own(lambda: asyncio.run(_prepare(settings)))
    Supervisor(kinds, grace=settings.grace_seconds).run()


def _in_a_process_of_its_own(work: Callable[[], None]) -> None:
    """The supervisor forks, so it has no event loop, thread or key of its own. The process that does `work` is the
    command as long as it lasts: it says what is wrong, and its status is the command's."""
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        work()
        os._exit(0)

    def pass_on(number: int, _frame: FrameType | None) -> None:
        os.kill(pid, number)

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGTERM, signal.SIGINT)}
    _, status = os.waitpid(pid, 0)
    for number, react in before.items():
        signal.signal(number, react)
    code = os.waitstatus_to_exitcode(status)
    if code != 0:
        raise typer.Exit(code if code > 0 else 128 - code)


async def _prepare(settings: Settings) -> None:
    """Once, before the processes: the data folder, the newest tables, and a word about who holds the key."""
    make_data_dir(settings)
    custodian = open_custodian(
        settings.custodian, key_file=settings.effective_key_file, credential_dir=settings.credential_dir
    )
    database = Database(settings.effective_database_url)
    try:
        before, after = await migrate(database)
    finally:
        await database.close()
    async with open_house(settings) as house:
        # Where the parts run apart, the file with the passwords is made in one of them, not in whichever comes first.
        first_sign_in = await create_administrators(house) if settings.role in ("all", "identity") else None
        unheld = await _unheld_administration(house)
        renewed = await _keep_by_host(house)
    if first_sign_in is not None:
        _log.warning(
            "three administrators were created: read their one-time passwords, then delete the file",
            file=str(first_sign_in),
        )
    if unheld:
        _log.warning("nobody has these roles: name people for them in the county file", roles=unheld)
    if renewed:
        _log.info("from now on these sign-in clients follow the gateway's address", systems=renewed)
    _log.info(
        "starting",
        issuer=settings.issuer,
        gateway=settings.gateway_origin("<slug>"),
        custodian=custodian.name,
        database=database.dialect,
        migrated=f"{before or 'empty'} -> {after}" if before != after else "no",
        role=settings.role,
    )


async def _unheld_administration(house: House) -> list[str]:
    async with house.database.scan() as connection:
        return [str(role) for role in await house.users.unheld_administration(connection)]


async def _keep_by_host(house: House) -> list[str]:
    async with house.database.write() as connection:
        return await keep_by_host(connection, house.settings, house.systems, house.clients)
