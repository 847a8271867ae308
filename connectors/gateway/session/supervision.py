"""A supervised sign-in: the first of a person at a system whose login request is not known yet.

It begins with a session of the legacy host that is fresh: of the cookies that the browser still has from other days,
none goes to the server; only those pass that it has set since. So a page's script can do nothing in the person's name
but sign in, and what it sends as a sign-in can be learned.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

_MOST_COOKIES = 100


@dataclass(frozen=True)
class Supervision:
    """The digests of the cookies that the server has set since it began, by name."""

    cookies: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        return cls({str(name): str(digest) for name, digest in document.items()})

    def to_json(self) -> dict[str, str]:
        return dict(self.cookies)

    def passes(self, pair: str) -> bool:
        """Whether `name=value` is a cookie of this sign-in."""
        name, _, value = pair.partition("=")
        return self.cookies.get(name.strip()) == _digest(value)

    def with_cookies(self, set_cookies: Iterable[str]) -> Self:
        """After an answer with these Set-Cookie lines."""
        known = dict(self.cookies)
        for line in set_cookies:
            name, equals, value = line.partition(";")[0].partition("=")
            if equals and (name.strip() in known or len(known) < _MOST_COOKIES):
                known[name.strip()] = _digest(value)
        return type(self)(known)


def _digest(value: str) -> str:
    """Cookies of a legacy session are bearer secrets: only this much of them is kept."""
    return hashlib.sha256(value.strip().strip('"').encode("latin-1", "replace")).hexdigest()[:32]
