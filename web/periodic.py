"""Work done from time to time, by one of N processes: placing, counting and watching events, forgetting the rest."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from core.expiry import Expiry
from core.jobs import Job, Jobs
from web.composition import House


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
    return [
        Job("ledger.sequence", timedelta(seconds=1), house.ledger.sequence),
        Job("ledger.counts", timedelta(seconds=5), house.event_counts.run),
        Job("ledger.watch", timedelta(minutes=5), house.ledger_watch.run),
        Job("rows.watch", timedelta(minutes=30), house.row_watch.run),
        Job("recipes.watch", timedelta(minutes=30), house.recipe_watch.run),
        Job("forget", timedelta(minutes=5), Expiry(house.database, house.clock).run),
        Job("keys.resume", timedelta(minutes=10), house.rotation.resume),
    ]
