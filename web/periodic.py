"""Work done from time to time, by one of N processes: placing, counting and watching events, forgetting the rest."""

from datetime import timedelta
from typing import TYPE_CHECKING

from core.expiry import Expiry
from core.jobs import Job

if TYPE_CHECKING:
    from web.composition import House


def periodic_jobs(house: "House") -> list[Job]:
    return [
        Job("ledger.sequence", timedelta(seconds=1), house.ledger.sequence),
        Job("ledger.counts", timedelta(seconds=5), house.event_counts.run),
        Job("ledger.watch", timedelta(minutes=5), house.ledger_watch.run),
        Job("rows.watch", timedelta(minutes=30), house.row_watch.run),
        Job("recipes.watch", timedelta(minutes=30), house.recipe_watch.run),
        Job("forget", timedelta(minutes=5), Expiry(house.database, house.clock).run),
        Job("keys.resume", timedelta(minutes=10), house.rotation.resume),
    ]
