"""Who may use a client or a system. The same rule is asked on every path (DESIGN §4.3)."""

from pydantic import BaseModel, ConfigDict, Field, field_validator

from sso.directory.users import User
from sso.names import fold_username


class AccessRule(BaseModel):
    """Each member widens the rule: a person passes who is named, holds a post in one of the organisations (or below
    it), or has one of the roles. An empty rule lets everyone pass who is signed in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    users: frozenset[str] = Field(frozenset(), description="Usernames")
    organisations: frozenset[str] = Field(frozenset(), description="Ids of organisations; those below them count too")
    roles: frozenset[str] = Field(frozenset())

    @field_validator("users")
    @classmethod
    def _fold(cls, value: frozenset[str]) -> frozenset[str]:
        return frozenset(map(fold_username, value))

    @property
    def is_open(self) -> bool:
        return not (self.users or self.organisations or self.roles)


def permits(user: User, rule: AccessRule) -> bool:
    """True when an active user passes the rule."""
    if user.status != "active":
        return False
    return (
        rule.is_open
        or user.username in rule.users
        or not rule.organisations.isdisjoint(user.organisations)
        or not rule.roles.isdisjoint(user.roles)
    )
