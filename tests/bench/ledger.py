"""`python -m tests.bench.ledger URL [EVENTS]`: places, exports and checks so many events; a new database is needed.

Prints rates by the clock, and by the processor time of this process alone: where others use the machine, only the
latter can be compared. What PostgreSQL does is in the former only; SQLite works in this process.
"""

import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from core.clock import SystemClock
from core.database import Database
from core.identifiers import new_id
from vault.keys.custody import open_custodian
from vault.keys.sealing import Sealer
from vault.ledger import Event, Ledger
from vault.ledger.audit_reader import compressed, read_lines
from vault.ledger.checkpoints import VerifierKey
from vault.ledger.events import Result, event_table
from vault.ledger.export import AuditFile
from vault.ledger.verify import verify
from web.migrate import migrate

_KINDS: tuple[tuple[str, Result], ...] = (
    ("oidc.authorize", "success"),
    ("oidc.token", "success"),
    ("launch", "success"),
    ("sign_in", "refused"),
)
_AT_ONCE = 2000


class _Taken:
    """`with _Taken("…", count):` prints how many a second that was."""

    def __init__(self, what: str, count: int) -> None:
        self._what, self._count = what, count

    def __enter__(self) -> None:
        self._began, self._worked = time.perf_counter(), time.process_time()

    def __exit__(self, *_raised: object) -> None:
        clock, worked = time.perf_counter() - self._began, time.process_time() - self._worked
        rates = f"{self._count / clock:10,.0f} events/s, {self._count / worked:10,.0f} a second of this process's work"
        print(f"{self._what:24}{rates}", flush=True)


def _events(count: int) -> Iterator[Event]:
    chance = random.Random(1)
    for _ in range(count):
        action, result = chance.choice(_KINDS)
        yield Event(
            action=action,
            result=result,
            actor=f"user:{chance.randrange(20_000):026d}",
            subject=f"session:{new_id()}",
            system=f"{chance.randrange(159):026d}",
            client=f"client-{chance.randrange(159)}",
            session=new_id(),
            address=f"10.0.{chance.randrange(250)}.{chance.randrange(250)}",
            request_id=new_id(),
            detail={"grant": "authorization_code", "scope": "openid profile"},
        )


async def measure(database: Database, folder: Path, count: int) -> None:
    sealer = Sealer(
        database, open_custodian("keyfile", key_file=folder / "root.key", credential_dir=None), "aes", SystemClock()
    )
    await sealer.prepare()
    ledger = Ledger(database, SystemClock(), sealer)
    await ledger.start()
    with _Taken("write", count):
        batch = [ledger.row_of(event) for event in _events(count)]
        for start in range(0, count, _AT_ONCE):
            async with database.write() as connection:
                await connection.execute(event_table.insert(), batch[start : start + _AT_ONCE])
    del batch
    with _Taken("place in the tree", count):
        assert await ledger.sequence() == count
    for name, is_packed in (("audit.jsonl", False), ("audit.jsonl.gz", True)):
        path = folder / name
        with _Taken(f"export {name}", count), path.open("wb") as stream:
            pieces = AuditFile(database, ledger).export()
            async for piece in compressed(pieces) if is_packed else pieces:
                stream.write(piece)
        print(f"{'':24}{path.stat().st_size / count:10.0f} bytes an event")
        with _Taken(f"verify {name}", count):
            report = verify(read_lines(path), VerifierKey.parse(ledger.public_key()))
        assert (report.is_good, report.events) == (True, count)
    await ledger.stop()


async def main(url: str, count: int) -> None:
    database = Database(url)
    await migrate(database)
    with tempfile.TemporaryDirectory(prefix="yimen-bench-") as folder:
        await measure(database, Path(folder), count)
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 200_000))
