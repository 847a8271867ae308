"""The whole demo county: its legacy systems and clients running on loopback, and the file that tells Yimen of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from demo.clients import open_clients
from demo.county_legacy import LegacyCounty, open_legacy
from demo.description import Federated, describe, new_password
from demo.people import PEOPLE


@dataclass(frozen=True)
class County:
    legacy: LegacyCounty
    federated: tuple[Federated, ...]
    passwords: dict[str, str] = field(repr=False)
    description: dict[str, Any] = field(repr=False)

    @property
    def facts(self) -> dict[str, Any]:
        """What the person who starts the demo is told: Yimen's own sign-ins, and where the systems stand."""
        people = [
            {
                "role": person.says,
                "name": person.name,
                "username": person.username,
                "password": self.passwords[person.username],
            }
            for person in PEOPLE
        ]
        systems = [
            *(
                {"slug": one.slug, "title": one.title, "origin": one.origin, "quirk": "OpenID Connect"}
                for one in self.federated
            ),
            *({"slug": one.slug, "title": one.title, "origin": one.origin, "quirk": one.quirk} for one in self.legacy),
        ]
        return {"people": people, "systems": systems}


@asynccontextmanager
async def open_county(issuer: str) -> AsyncIterator[County]:
    """Starts everything but Yimen itself; stops it at the end. `issuer` is where Yimen will answer."""
    passwords = {person.username: new_password() for person in PEOPLE}
    async with open_legacy() as legacy, open_clients(issuer) as federated:
        yield County(legacy, federated, passwords, describe(tuple(legacy), federated, passwords))
