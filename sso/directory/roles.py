"""Roles, and the three administrators who are never one person (三员分立)."""

from collections.abc import Iterable
from enum import StrEnum

from sso.errors import SsoError


class Role(StrEnum):
    CADRE = "cadre"
    STEWARD = "steward"
    SYSTEM_ADMIN = "system_admin"
    SECURITY_ADMIN = "security_admin"
    AUDIT_ADMIN = "audit_admin"


ADMINISTRATORS = frozenset({Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN})


def has_administrator(roles: Iterable[str]) -> bool:
    return not ADMINISTRATORS.isdisjoint(roles)


def require_compatible(roles: Iterable[str]) -> frozenset[Role]:
    """The set of roles. An administrator has no other role, of administration or of business. Raises ERR-ROLES."""
    try:
        wanted = frozenset(Role(role) for role in roles)
    except ValueError as error:
        raise SsoError("ERR-ROLES", "there is no such role") from error
    if wanted & ADMINISTRATORS and len(wanted) > 1:
        raise SsoError("ERR-ROLES", "an administrator's role excludes every other role")
    return wanted
