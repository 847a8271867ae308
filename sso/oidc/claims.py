"""Which claims about a person a scope or a request releases. Never the ID card; the mobile number only masked."""

from collections.abc import Iterable, Mapping
from typing import Any

from sso.directory.users import User

# OIDC Core §5.4, and our own `organization`.
CLAIMS_OF_SCOPE: Mapping[str, tuple[str, ...]] = {
    "profile": ("name", "preferred_username", "locale", "updated_at"),
    # No `email_verified`: Yimen verifies no address, and clients take `false` for a reason to refuse the person.
    "email": ("email",),
    "phone": ("phone_number_masked",),
    "organization": ("organizations", "posts", "employee_number", "roles"),
}
SCOPE_OF_CLAIM: Mapping[str, str] = {name: scope for scope, names in CLAIMS_OF_SCOPE.items() for name in names}
SUPPORTED = (
    *("sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid"),
    *(name for names in CLAIMS_OF_SCOPE.values() for name in names),
)


def released(user: User, scopes: Iterable[str], named: Iterable[str] = ()) -> dict[str, Any]:
    """The claims that the scopes release, and those asked for by name (Core §5.5)."""
    names = {name for scope in scopes for name in CLAIMS_OF_SCOPE.get(scope, ())}.union(named)
    every = _about(user)
    return {name: every[name] for name in sorted(names) if every.get(name) is not None}


def _about(user: User) -> dict[str, Any]:
    return {
        "name": user.name,
        "preferred_username": user.username,
        "locale": user.locale or "zh-CN",
        "updated_at": int(user.updated_at.timestamp()) if user.updated_at else None,
        "email": user.email,
        "phone_number_masked": user.masked_mobile,
        "organizations": sorted(user.organisations) or None,
        "posts": [
            {
                "organization": post.organisation_id,
                "organization_name": post.organisation_name,
                "title": post.title,
                "main": post.main,
            }
            for post in user.posts
        ]
        or None,
        "employee_number": user.employee_number,
        "roles": sorted(user.roles),
    }
