"""Which login requests count for a person at a system: those that are kept, and that of the system's recipe."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from connectors.legacy.recipe.recipe import Recipe
from connectors.login_requests import LoginRequest, Source
from connectors.login_requests.generation import Login
from connectors.login_requests.recipe import requests_of_recipe
from connectors.login_requests.store import Knowledge, Known, LoginRequests
from connectors.systems import System
from core.clock import Clock
from core.database import Database
from core.fresh import Fresh


class LoginKnowledge:
    """Asked for each request that may be a sign-in, so it is read at most once a second."""

    def __init__(self, database: Database, clock: Clock, requests: LoginRequests) -> None:
        self._database = database
        self._clock = clock
        self._requests = requests
        self._known: Fresh[tuple[Login, str], Knowledge] = Fresh()

    async def of(self, system: System, user_id: str, recipe: Recipe | None, *, anew: bool = False) -> Knowledge:
        """`anew`: past the cache, for a decision that is kept."""
        if anew:
            kept = await self._read(system.login, user_id)
        else:
            kept = await self._known.get((system.login, user_id), partial(self._read, system.login, user_id))
        counted = [known for known in kept.requests if _counts(known, system)]
        described = [self._of_recipe(system, one) for one in _of_recipe(system, recipe)]
        if described:
            # Whoever describes a system's login by hand leaves nothing to be learned.
            return Knowledge([*described, *counted], may_learn=False)
        if system.registration.signed_login:
            signed = [known for known in counted if known.source is Source.SIGNED]
            return Knowledge(signed, may_learn=not signed)
        return replace(kept, requests=counted, may_learn=kept.may_learn or not counted)

    def forget(self) -> None:
        """What was read a moment ago is read again."""
        self._known = Fresh()

    def _of_recipe(self, system: System, request: LoginRequest) -> Known:
        return Known("", system.login, None, Source.RECIPE, request, self._clock.now(), is_confirmed=True)

    async def _read(self, login: Login, user_id: str) -> Knowledge:
        async with self._database.read() as connection:
            return await self._requests.known_for(connection, login, user_id)


def _of_recipe(system: System, recipe: Recipe | None) -> Sequence[LoginRequest]:
    return requests_of_recipe(recipe, str(system.origin)) if recipe is not None else []


def _counts(known: Known, system: System) -> bool:
    """One of another address is over: the system has moved since."""
    return known.request.origin in {str(endpoint.origin) for endpoint in system.endpoints}
