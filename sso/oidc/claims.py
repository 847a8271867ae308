"""Which claims about a person a scope or a request releases. Never the ID card; the mobile number only masked."""

from collections.abc import Iterable, Mapping
from typing import Any

from sso.directory.users import User

# OIDC Core §5.4, and our own `organization`.
CLAIMS_OF_SCOPE: Mapping[str, tuple[str, ...]] = {
    "profile": ("name", "preferred_username", "locale", "updated_at"),
    "email": ("email", "email_verified"),
    "phone": ("phone_number_masked",),
    "organization": ("organizations", "posts", "employee_number", "roles"),
}
SUPPORTED = (
    *("sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid"),
    *(name for names in CLAIMS_OF_SCOPE.values() for name in names),
)


def released(user: User, scopes: Iterable[str], requested: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The claims the scopes release, and of those named in `requested` (Core §5.5) the ones a scope could release."""
    names = {name for scope in scopes for name in CLAIMS_OF_SCOPE.get(scope, ())}
    if isinstance(requested, Mapping):
        grantable = {name for scope in scopes for name in CLAIMS_OF_SCOPE.get(scope, ())}
        names |= set(requested) & grantable
    every = _about(user)
    return {name: every[name] for name in sorted(names) if every.get(name) is not None}


def _about(user: User) -> dict[str, Any]:
    return {
        "name": user.name,
        "preferred_username": user.username,
        "locale": user.locale or "zh-CN",
        "updated_at": int(user.updated_at.timestamp()) if user.updated_at else None,
        "email": user.email,
        # Yimen does not verify addresses: the directory's word is not a proof.
        "email_verified": False if user.email else None,
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
