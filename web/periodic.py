"""Work done from time to time, by one of N processes: placing, counting and watching events, forgetting the rest."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from core.expiry import Expiry
from core.jobs import Job, Jobs
from web.composition import House

# By these an onlooker tells, too, whether the work is done.
EVERY = {
    "ledger.sequence": timedelta(seconds=1),
    "ledger.counts": timedelta(seconds=5),
    "ledger.watch": timedelta(minutes=5),
    "rows.watch": timedelta(minutes=30),
    "recipes.watch": timedelta(minutes=30),
    "forget": timedelta(minutes=5),
    "keys.resume": timedelta(minutes=10),
}


@asynccontextmanager
async def at_work(house: House) -> AsyncIterator[None]:
    """Within the block, this process takes its share of the work."""
    jobs = Jobs(house.database, house.clock, periodic_jobs(house))
    jobs.start()
    try:
        yield
    finally:
        await jobs.stop()


def periodic_jobs(house: House) -> list[Job]:
    work = {
        "ledger.sequence": house.ledger.sequence,
        "ledger.counts": house.event_counts.run,
        "ledger.watch": house.ledger_watch.run,
        "rows.watch": house.row_watch.run,
        "recipes.watch": house.recipe_watch.run,
        "forget": Expiry(house.database, house.clock).run,
        "keys.resume": house.rotation.resume,
    }
    return [Job(name, every, work[name]) for name, every in EVERY.items()]
