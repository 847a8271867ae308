"""`yimen serve`: migrate, say what is active, and run N identical processes."""

import asyncio
import errno
import os
import socket
import ssl
from pathlib import Path
from typing import Annotated, Any

import typer
import uvicorn

from core.database import Database
from core.errors import ConfigurationError
from core.logs import configure_logs, logger
from core.settings import Settings, load_settings
from vault.keys.custody import open_custodian
from web.composition import make_data_dir, open_house
from web.first_start import create_administrators
from web.migrate import migrate

_log = logger("serve")
_LISTEN_TRIES = 10
_LISTEN_PAUSE_SECONDS = 0.3


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on", min=0, max=65535)] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain, PEM")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Private key, PEM")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes", min=1, max=64)] = None,
) -> None:
    """Start the server. Options win over YIMEN_* variables, these over the file named by YIMEN_CONFIG."""
    given = {"host": host, "port": port, "tls_cert": tls_cert, "tls_key": tls_key, "workers": workers}
    overrides = {name: value for name, value in given.items() if value is not None}
    settings = load_settings(**overrides)
    # The worker processes read the environment again, so what was given here must stand there.
    os.environ.update({f"YIMEN_{name.upper()}": str(value) for name, value in overrides.items()})
    configure_logs(settings.log_level, settings.log_format)
    asyncio.run(_prepare(settings))
    uvicorn.run("web.app:create_app", factory=True, **server_options(settings))


def server_options(settings: Settings) -> dict[str, Any]:
    """What uvicorn is told. Forwarded headers are ours to judge (`core.addresses`), not the server's."""
    return {
        "host": settings.host,
        "port": settings.port,
        "workers": settings.workers,
        "ssl_certfile": settings.tls_cert,
        "ssl_keyfile": settings.tls_key,
        "loop": "uvloop",
        "http": "httptools",
        "ws": "websockets-sansio",
        "lifespan": "on",
        "proxy_headers": False,
        "server_header": False,
        "date_header": True,
        "access_log": False,
        "log_config": None,
        "timeout_keep_alive": 30,
        "timeout_graceful_shutdown": 10,
        # A worker answers when its imports are done, slowly on a busy machine: uvicorn's 5 s kill it before.
        "timeout_worker_healthcheck": 120,
        "backlog": 2048,
    }


async def _prepare(settings: Settings) -> None:
    """Once, before the processes: the data folder, the newest tables, and a word about who holds the key."""
    _require_certificate(settings)
    await _require_address(settings)
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
        first_sign_in = await create_administrators(house)
    if first_sign_in is not None:
        _log.warning(
            "three administrators were created: read their one-time passwords, then delete the file",
            file=str(first_sign_in),
        )
    _log.info(
        "starting",
        issuer=settings.issuer,
        gateway=settings.gateway_origin("<slug>"),
        custodian=custodian.name,
        database=database.dialect,
        migrated=f"{before or 'empty'} -> {after}" if before != after else "no",
        role=settings.role,
        workers=settings.workers,
    )


def _require_certificate(settings: Settings) -> None:
    """Raises ERR-SETTINGS when the server could not answer by TLS with what it was given."""
    if settings.tls_cert is None:
        return
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(settings.tls_cert, settings.tls_key, "")
    except (OSError, ValueError) as error:
        files = f"{settings.tls_cert}, {settings.tls_key}"
        raise ConfigurationError("ERR-SETTINGS", f"the certificate cannot be used: {error} ({files})") from None


async def _require_address(settings: Settings) -> None:
    """Raises ERR-LISTEN when the address is not ours or is taken, and stays so: the workers of a master that was
    killed leave it a moment after."""
    for waits_left in reversed(range(_LISTEN_TRIES)):
        try:
            _bind_once(settings.host, settings.port)
            return
        except OSError as error:
            if waits_left == 0 or error.errno != errno.EADDRINUSE:
                place = f"{settings.host}:{settings.port}"
                raise ConfigurationError("ERR-LISTEN", f"cannot listen on {place}: {error.strerror or error}") from None
        await asyncio.sleep(_LISTEN_PAUSE_SECONDS)


def _bind_once(host: str, port: int) -> None:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
