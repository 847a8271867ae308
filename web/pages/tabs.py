"""The main menu: which pages a person has, by role.

The three administrators have no use of business functions (三员分立): no tiles, no accounts.
"""

from collections.abc import Set
from dataclasses import dataclass

from sso.directory.roles import Role


@dataclass(frozen=True)
class Tab:
    name: str
    address: str
    icon: str


PORTAL = Tab("portal", "/", icon="layout-grid")
ACCOUNTS = Tab("accounts", "/accounts", icon="key")
DEPARTMENT = Tab("department", "/department", icon="building-community")
AUDIT = Tab("audit", "/audit", icon="report-search")
ADMINISTRATION = Tab("administration", "/administration", icon="settings")
SESSIONS = Tab("sessions", "/sessions", icon="devices")
ACTIVITY = Tab("activity", "/activity", icon="history")


def tabs_of(roles: Set[Role]) -> tuple[Tab, ...]:
    """The first one is the person's home."""
    if Role.AUDIT_ADMIN in roles:
        return AUDIT, SESSIONS, ACTIVITY
    if roles & {Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN}:
        return ADMINISTRATION, SESSIONS, ACTIVITY
    department = (DEPARTMENT,) if Role.STEWARD in roles else ()
    return PORTAL, ACCOUNTS, *department, SESSIONS, ACTIVITY
