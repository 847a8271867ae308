"""Work done from time to time, by one of N processes: placing and watching events, forgetting what is over."""

from datetime import timedelta
from typing import TYPE_CHECKING

from connectors.gateway.forgetting import forget_expired
from core.jobs import Job

if TYPE_CHECKING:
    from web.composition import House


def periodic_jobs(house: "House") -> list[Job]:
    return [
        Job("ledger.sequence", timedelta(seconds=1), house.ledger.sequence),
        Job("ledger.watch", timedelta(minutes=5), house.ledger_watch.run),
        Job("rows.watch", timedelta(minutes=30), house.row_watch.run),
        Job("recipes.watch", timedelta(minutes=30), house.recipe_watch.run),
        Job("forget", timedelta(minutes=5), _Forgetting(house).run),
        Job("keys.resume", timedelta(minutes=10), house.rotation.resume),
    ]


class _Forgetting:
    def __init__(self, house: "House") -> None:
        self._house = house

    async def run(self) -> None:
        """What is over is deleted; each kind in a unit of work of its own, so that none holds up the others."""
        house = self._house
        await house.lockout.forget_expired()
        await house.sign_in.forget_expired()
        await house.client_authentication.forget_expired()
        await house.launcher.forget_expired()
        async with house.database.write() as connection:
            await house.sessions.forget_expired(connection)
            await house.interactions.forget_expired(connection)
            await house.grants.forget_expired(connection)
            await house.revocation.forget_expired(connection)
            await house.tickets.forget_expired(connection)
            await house.captures.forget_expired(connection)
            await forget_expired(connection, house.clock.now())
