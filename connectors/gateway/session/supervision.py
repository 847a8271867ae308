"""A supervised sign-in: the first of a person at a system whose login request is not known yet.

It begins with a session of the legacy host that is fresh: of the cookies that the browser still has from other days,
none goes to the server; only those pass that it has set since. So a page's script can do nothing in the person's name
but sign in, and what it sends as a sign-in can be learned. A session of Engine.IO, which its name in an address carries
on from a request to a socket, is known in the same way.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

# Where a session of Engine.IO stands among the cookies: none has a space in its name.
ENGINE_SESSION = "engine.io session"
_MOST_COOKIES = 100
# Values of one cookie: requests that are under way still carry those that it had a moment before.
_MOST_VALUES = 20


@dataclass(frozen=True)
class Supervision:
    """The digests of the values that the server has given its cookies since it began, by name, the newest last."""

    cookies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        return cls({str(name): tuple(map(str, digests)) for name, digests in document.items()})

    def to_json(self) -> dict[str, list[str]]:
        return {name: list(digests) for name, digests in self.cookies.items()}

    def passes(self, pair: str) -> bool:
        """Whether `name=value` is a cookie of this sign-in."""
        name, _, value = pair.partition("=")
        return self.has_given(name.strip(), value)

    def has_given(self, name: str, value: str) -> bool:
        return _digest(value) in self.cookies.get(name, ())

    def without_old(self, headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Header fields without the cookies of other days."""
        return [(name, self._passed(value) if name == "cookie" else value) for name, value in headers]

    def _passed(self, cookies: str) -> str:
        return "; ".join(filter(self.passes, map(str.strip, cookies.split(";"))))

    def with_cookies(self, set_cookies: Iterable[str]) -> Self:
        """After an answer with these Set-Cookie lines."""
        known = dict(self.cookies)
        for line in set_cookies:
            name, equals, value = line.partition(";")[0].partition("=")
            before = known.get(name.strip(), ())
            digest = _digest(value)
            if equals and digest not in before and (before or len(known) < _MOST_COOKIES):
                known[name.strip()] = (*before, digest)[-_MOST_VALUES:]
        return type(self)(known)


def _digest(value: str) -> str:
    """Cookies of a legacy session are bearer secrets: only this much of them is kept."""
    return hashlib.sha256(value.strip().strip('"').encode("latin-1", "replace")).hexdigest()[:32]
