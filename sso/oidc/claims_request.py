"""The `claims` parameter (OIDC Core §5.5): claims that a client asks for by name, and what must hold of the sign-in."""

import json
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any, NoReturn, Self

from sso.errors import OAuthError
from sso.oidc.claims import SCOPE_OF_CLAIM


@dataclass(frozen=True)
class ClaimsRequest:
    """`userinfo` and `id_token`: names to release beyond those of the scopes. `subject` and `acrs`, when there are
    any: who it must be, and how strongly they must have signed in."""

    userinfo: tuple[str, ...] = ()
    id_token: tuple[str, ...] = ()
    subject: str | None = None
    acrs: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, text: str, allowed_scopes: Set[str]) -> Self:
        """Claims that we do not have, or that none of the client's scopes could release, are left out (§5.5).

        Raises invalid_request.
        """
        document = _object(_json(text))
        userinfo, id_token = (_members(document.get(place)) for place in ("userinfo", "id_token"))
        return cls(
            _releasable(userinfo, allowed_scopes),
            _releasable(id_token, allowed_scopes),
            _subject(id_token.get("sub")),
            _essential_values(id_token.get("acr")),
        )

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes whose claims these are: what the person is asked about."""
        return tuple(dict.fromkeys(SCOPE_OF_CLAIM[name] for name in (*self.userinfo, *self.id_token)))


def _json(text: str) -> Any:
    def refuse(_constant: str) -> NoReturn:
        raise ValueError("NaN and Infinity are not JSON")

    try:
        return json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError):
        raise OAuthError("invalid_request", "claims is not JSON") from None


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise OAuthError("invalid_request", "claims is not a JSON object of objects")
    return value


def _members(value: Any) -> Mapping[str, Mapping[str, Any]]:
    """A member of the request, null being as good as empty, and so for each claim in it."""
    return {name: _object(_present(wanted)) for name, wanted in _object(_present(value)).items()}


def _present(value: Any) -> Any:
    return {} if value is None else value


def _releasable(wanted: Mapping[str, Any], allowed_scopes: Set[str]) -> tuple[str, ...]:
    return tuple(name for name in wanted if SCOPE_OF_CLAIM.get(name) in allowed_scopes)


def _subject(wanted: Mapping[str, Any] | None) -> str | None:
    """§5.5.1: with a `value`, only this person will do (§3.1.2.2)."""
    value = (wanted or {}).get("value")
    return value if isinstance(value, str) else None


def _essential_values(wanted: Mapping[str, Any] | None) -> frozenset[str]:
    """§5.5.1.1: an essential `acr` is one of the values, or there is no sign-in."""
    if not wanted or wanted.get("essential") is not True:
        return frozenset()
    several = wanted.get("values")
    values = [*(several if isinstance(several, list) else ()), wanted.get("value")]
    return frozenset(value for value in values if isinstance(value, str))
