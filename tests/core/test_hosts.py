"""Several servers of one PostgreSQL, of which not all answer."""

import asyncio

import pytest
from sqlalchemy import make_url

import core.database.hosts
from core.database.hosts import Hosts
from core.database.postgresql import dialect
from tests.conftest import BACKEND


async def test_a_server_that_says_nothing_is_passed_over_and_not_asked_first_again(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if BACKEND != "postgresql":
        pytest.skip("SQLite is a file")
    monkeypatch.setattr(core.database.hosts, "_ANSWERS_WITHIN", 2.0)
    asked = 0

    async def says_nothing(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1

    async with await asyncio.start_server(says_nothing, "127.0.0.1", 0) as silent:
        options = dialect().create_connect_args(make_url(database_url))[1]  # type: ignore[no-untyped-call]
        ports = [silent.sockets[0].getsockname()[1], options.get("port", 5432)]
        hosts = Hosts({**options, "host": ["127.0.0.1", options["host"]], "port": ports})
        for _ in range(2):
            raw = await hosts.connect()
            assert await raw.fetchval("SELECT 1") == 1
            await raw.close()
        assert asked == 1


async def test_what_the_last_of_them_said_is_raised() -> None:
    hosts = Hosts({"host": ["127.0.0.1", "127.0.0.1"], "port": [9, 9], "user": "nobody"})
    with pytest.raises(ConnectionRefusedError):
        await hosts.connect()
